#include "item_shelf.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "fold.hpp"
#include "keys.hpp"
#include "salvage/core/bytes.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::web {
namespace {

// A contact's picture is some KiB; what is larger is not one.
constexpr ByteCount max_picture{4U << 20U};
constexpr std::uint64_t max_picture_bytes = 256U << 20U; // of all of them

constexpr std::string_view name_of(artifact::MediaKind kind) noexcept
{
    switch (kind) {
    case artifact::MediaKind::image: return "image";
    case artifact::MediaKind::video: return "video";
    case artifact::MediaKind::audio: return "audio";
    case artifact::MediaKind::other: break;
    }
    return "other";
}

/// Cells are `[text, conversation, picture]`.
bool has_text(const Json& row, const std::string& wanted)
{
    return std::ranges::any_of(row, [&](const Json& cell) {
        return folded(cell.at(0).get_ref<const std::string&>()).find(wanted) != std::string::npos;
    });
}

/// For the texts that nobody reads here: the export writes them.
class NoText final : public artifact::TextOutput {
public:
    Result<> add(std::string_view /*text*/) override { return {}; }
    Result<> finish() override { return {}; }
};

} // namespace

class ItemShelf::Sink final : public artifact::Sink {
public:
    explicit Sink(ItemShelf& shelf) : shelf_{&shelf} {}

    Result<std::unique_ptr<artifact::TextOutput>> begin(const std::string& /*path*/) override
    {
        return std::unique_ptr<artifact::TextOutput>{std::make_unique<NoText>()};
    }
    Result<artifact::Stored> store(const io::ByteSource& content, const std::string& /*folder*/,
                                   const std::string& name, std::optional<std::int64_t> /*modified_ns*/,
                                   const artifact::Origin& origin) override
    {
        return shelf_->put(content, name, origin);
    }
    Result<> page(const artifact::TablePage& page) override { return shelf_->put(page); }
    Result<> page(const artifact::ConversationPage& page) override { return shelf_->put(page); }
    Result<> page(const artifact::GalleryPage& /*page*/) override { return {}; }
    void index(artifact::IndexEntry /*entry*/) override {}

private:
    ItemShelf* shelf_;
};

Result<std::shared_ptr<ItemShelf>> ItemShelf::create(const std::filesystem::path& folder)
{
    auto name = (folder / ".items-XXXXXX").string();
    const int file = ::mkostemp(name.data(), O_CLOEXEC);
    if (file < 0) {
        return from_errno(errno, "no place for what is found in the databases", folder.string());
    }
    ::unlink(name.c_str());
    return std::shared_ptr<ItemShelf>{new ItemShelf{file}};
}

ItemShelf::~ItemShelf()
{
    ::close(file_);
}

std::unique_ptr<artifact::Sink> ItemShelf::sink()
{
    return std::make_unique<Sink>(*this);
}

// ---- filling: by one thread, which alone changes what it reads here without the lock

Result<ItemShelf::Piece> ItemShelf::append(std::string_view bytes)
{
    const Piece out{.at = end_, .size = bytes.size()};
    while (!bytes.empty()) {
        const auto done = ::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(end_));
        if (done < 0 && errno != EINTR) {
            return from_errno(errno, "what is found in the databases cannot be put away", "the case folder");
        }
        const auto count = static_cast<std::size_t>(std::max<ssize_t>(done, 0));
        end_ += count;
        bytes.remove_prefix(count);
    }
    return out;
}

Json ItemShelf::number_at(const std::unordered_map<std::string, std::uint64_t>& numbers, const std::string& path) const
{
    const auto found = numbers.find(path);
    return path.empty() || found == numbers.end() ? Json(nullptr) : Json(found->second);
}

Json ItemShelf::row_json(const std::vector<artifact::Cell>& row) const
{
    Json out = Json::array();
    for (const auto& cell : row) {
        out.push_back(Json::array(
            {cell.text, number_at(conversation_numbers_, cell.link), number_at(picture_numbers_, cell.picture)}));
    }
    return out;
}

Result<> ItemShelf::put(const artifact::TablePage& page)
{
    auto table = std::make_shared<Table>();
    table->title = page.title;
    table->columns = page.columns;
    table->notes = page.notes;
    table->rows.reserve(page.rows.size() + 1);
    for (const auto& row : page.rows) {
        table->rows.push_back(SALVAGE_TRY(append(dumped(row_json(row)))).at);
    }
    table->rows.push_back(end_);
    const std::scoped_lock lock{mutex_};
    tables_.insert_or_assign(page.path, std::move(table));
    return {};
}

Json ItemShelf::bubble_json(const artifact::Bubble& bubble) const
{
    Json attachments = Json::array();
    for (const auto& attachment : bubble.attachments) {
        const auto file = phone_files_.find(attachment.path);
        attachments.push_back({{"name", shown_name(attachment.name)},
                               {"kind", name_of(attachment.kind)},
                               {"key", file == phone_files_.end() ? Json(nullptr) : Json(key_of(file->second))},
                               {"problem", text_or_null(attachment.problem)}});
    }
    return {{"from", bubble.from},
            {"own", bubble.is_own},
            {"time", bubble.time},
            {"text", bubble.text},
            {"note", bubble.note},
            {"origin", bubble.origin},
            {"attachments", std::move(attachments)}};
}

Result<> ItemShelf::put(const artifact::ConversationPage& page)
{
    // A page that is only named so far has its number already.
    const auto promise = [this](const std::string& path) -> Json {
        if (path.empty()) {
            return nullptr;
        }
        const std::scoped_lock lock{mutex_};
        const auto [place, is_new] = conversation_numbers_.try_emplace(path, conversations_.size());
        if (is_new) {
            conversations_.emplace_back();
        }
        return place->second;
    };
    const auto number = promise(page.path).get<std::uint64_t>();
    Json out{{"kind", page.path.substr(0, page.path.find('/'))},
             {"title", page.title},
             {"people", page.people},
             {"number", page.number},
             {"count", page.count},
             {"previous", promise(page.previous)},
             {"next", promise(page.next)},
             {"messages", Json::array()}};
    for (const auto& bubble : page.bubbles) {
        out["messages"].push_back(bubble_json(bubble));
    }
    const auto piece = SALVAGE_TRY(append(dumped(out)));
    const std::scoped_lock lock{mutex_};
    conversations_.at(number) = piece;
    return {};
}

Result<artifact::Stored> ItemShelf::put(const io::ByteSource& content, const std::string& name,
                                        const artifact::Origin& origin)
{
    artifact::Stored out{
        .path = fmt::format("{}/{}", phone_files_.size() + pictures_.size(), name), .sha256 = {}, .lost = {}};
    if (!origin.file.empty() && origin.table.empty()) {
        const std::scoped_lock lock{mutex_};
        phone_files_.emplace(out.path, origin.file);
        return out;
    }
    if (content.size() > max_picture || picture_bytes_ + content.size().value > max_picture_bytes) {
        return out; // counted where it came from; it is not shown here
    }
    const auto bytes = SALVAGE_TRY(io::read_all(content, max_picture));
    const auto piece = SALVAGE_TRY(append(as_text(bytes)));
    const std::scoped_lock lock{mutex_};
    picture_bytes_ += piece.size;
    picture_numbers_.emplace(out.path, pictures_.size());
    pictures_.push_back(piece);
    return out;
}

void ItemShelf::add_kind(artifact::KindReport report)
{
    const std::scoped_lock lock{mutex_};
    kinds_.push_back(std::move(report));
}

void ItemShelf::finish(std::optional<Error> problem)
{
    const std::scoped_lock lock{mutex_};
    state_ = problem ? State::failed : State::full;
    problem_ = std::move(problem);
}

// ---- looking

Json ItemShelf::overview() const
{
    const std::scoped_lock lock{mutex_};
    Json kinds = Json::array();
    for (const auto& kind : kinds_) {
        kinds.push_back({{"name", kind.name},
                         {"title", kind.title},
                         {"items", kind.items},
                         {"damaged", kind.damaged},
                         {"has_table", tables_.contains(kind.page)},
                         {"notes", kind.notes},
                         {"problems", kind.problems}});
    }
    constexpr std::array<std::string_view, 3> states{"looking", "ready", "failed"};
    return {{"state", states.at(static_cast<std::size_t>(state_))},
            {"problem", problem_ ? Json(to_string(*problem_)) : Json(nullptr)},
            {"kinds", std::move(kinds)}};
}

Result<std::string> ItemShelf::read(Piece piece) const
{
    std::string out(piece.size, '\0');
    for (std::size_t have = 0; have < out.size();) {
        const auto done = ::pread(file_, out.data() + have, out.size() - have, static_cast<off_t>(piece.at + have));
        if (done == 0 || (done < 0 && errno != EINTR)) {
            return from_errno(done == 0 ? EIO : errno, "what was found in the databases cannot be read back",
                              "the case folder");
        }
        have += static_cast<std::size_t>(std::max<ssize_t>(done, 0));
    }
    return out;
}

Result<Json> ItemShelf::rows_with(const Table& table, const Wanted& wanted, std::uint64_t& total) const
{
    Json out = Json::array();
    const auto text = folded(wanted.text);
    const auto count = table.rows.size() - 1;
    total = text.empty() ? count : 0;
    const auto first = text.empty() ? std::min<std::uint64_t>(wanted.offset, count) : 0;
    for (auto i = first; i < count; ++i) {
        if (text.empty() && out.size() == wanted.limit) {
            break;
        }
        const auto at = table.rows[i];
        auto row = Json::parse(SALVAGE_TRY(read({.at = at, .size = table.rows[i + 1] - at})));
        if (!text.empty()) {
            if (!has_text(row, text)) {
                continue;
            }
            if (const auto here = total++; here < wanted.offset || out.size() == wanted.limit) {
                continue;
            }
        }
        out.push_back(std::move(row));
    }
    return out;
}

Result<Json> ItemShelf::table(const Wanted& wanted) const
{
    std::shared_ptr<const Table> table;
    {
        const std::scoped_lock lock{mutex_};
        const auto kind = std::ranges::find(kinds_, wanted.kind, &artifact::KindReport::name);
        const auto found = kind == kinds_.end() ? tables_.end() : tables_.find(kind->page);
        if (found != tables_.end()) {
            table = found->second;
        }
    }
    if (table == nullptr) {
        return not_found("there is no such table", "the phone has none of it, or it is still being looked for",
                         "GET /items says which there are");
    }
    std::uint64_t total = 0;
    auto rows = SALVAGE_TRY(rows_with(*table, wanted, total));
    return Json{{"title", table->title},
                {"columns", table->columns},
                {"notes", table->notes},
                {"total", total},
                {"rows", std::move(rows)}};
}

Result<std::string> ItemShelf::piece(const std::vector<Piece>& pieces, std::uint64_t number) const
{
    Piece found;
    {
        const std::scoped_lock lock{mutex_};
        found = number < pieces.size() ? pieces[number] : Piece{};
    }
    if (found.size == 0) {
        return not_found("there is nothing of that number", "it was of another run, or is not read yet");
    }
    return read(found);
}

Result<std::string> ItemShelf::conversation(std::uint64_t number) const
{
    return piece(conversations_, number);
}

Result<std::string> ItemShelf::picture(std::uint64_t number) const
{
    return piece(pictures_, number);
}

Result<Json> ItemShelf::said(const std::string& text, std::uint64_t limit) const
{
    std::vector<Piece> pieces;
    {
        const std::scoped_lock lock{mutex_};
        pieces = conversations_;
    }
    const auto wanted = folded(text);
    const auto quoted = dumped(Json(wanted));
    const auto written = std::string_view{quoted}.substr(1, quoted.size() - 2);
    std::uint64_t total = 0;
    Json hits = Json::array();
    for (std::size_t number = 0; number < pieces.size(); ++number) {
        const auto page = SALVAGE_TRY(read(pieces[number]));
        if (!folded(page).contains(written)) {
            continue; // most: parsing costs more than looking
        }
        const auto conversation = Json::parse(page);
        for (const auto& message : conversation.at("messages")) {
            if (!folded(message.at("text").get_ref<const std::string&>()).contains(wanted)) {
                continue;
            }
            if (total++ < limit) {
                hits.push_back({{"conversation", number},
                                {"title", conversation.at("title")},
                                {"from", message.at("from")},
                                {"own", message.at("own")},
                                {"time", message.at("time")},
                                {"text", message.at("text")}});
            }
        }
    }
    return Json{{"total", total}, {"messages", std::move(hits)}};
}

} // namespace salvage::web
