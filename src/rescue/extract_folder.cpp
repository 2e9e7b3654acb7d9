#include "rescue/extract_folder.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rescue/content_copy.hpp"
#include "rescue/export_listings.hpp"
#include "rescue/export_manifest.hpp"
#include "salvage/core/text.hpp"
#include "salvage/core/utf8.hpp"
#include "salvage/io/output_file.hpp"

namespace salvage::rescue {
namespace {

constexpr std::string_view state_name = ".salvage-extract.json";
constexpr std::string_view unfinished_folder = ".salvage-extract.partial";
// A batch costs one flush of the whole medium, and is what an interruption costs.
constexpr std::size_t batch_files = 4000;
constexpr ByteCount batch_bytes{512ULL << 20U};
// More is no file of a phone: as for export.
constexpr ByteCount max_file_size{16ULL << 40U};
// The first page holds these and opens at once.
constexpr std::size_t max_index_entries = 20'000;
constexpr std::size_t max_index_bytes = 4U << 20U;
constexpr std::size_t longest_name = 200; // with room for a number
constexpr std::size_t piece_bytes = 64U << 10U;
constexpr std::uint32_t file_mode = 0644;

/// A name of a phone as a name in our folder, such as every medium takes: without what means something to a disk, a
/// shell or Windows, and without bytes that are no text, which FAT and exFAT refuse.
std::string safe_name(const std::string& name)
{
    std::string out;
    for (std::string_view rest{name}; !rest.empty();) {
        const auto [code, length] = first_character(rest);
        const bool is_plain = length > 0 && code >= 0x20U && code != 0x7FU &&
                              (length > 1 || !std::string_view{"/\\:*?\"<>|"}.contains(rest.front()));
        const auto bytes = std::max<std::size_t>(length, 1);
        out += is_plain ? rest.substr(0, bytes) : std::string_view{"_"};
        rest.remove_prefix(bytes);
    }
    const auto dot = out.rfind('.');
    if (out.size() > longest_name) { // the ending is what programs go by
        constexpr std::size_t longest_ending = 16;
        const auto ending =
            dot == std::string::npos || out.size() - dot > longest_ending ? std::string{} : out.substr(dot);
        auto room = longest_name - ending.size();
        constexpr std::size_t longest_character = 4;
        for (std::size_t i = 1; i < longest_character && (static_cast<unsigned char>(out[room]) & 0xC0U) == 0x80U;
             ++i) {
            --room; // some media refuse half a character
        }
        out.resize(room);
        out += ending;
    }
    if (out.empty() || out.front() == '.') {
        out.insert(out.begin(), '_');
    }
    return out;
}

std::string without_case(std::string text)
{
    std::ranges::transform(text, text.begin(), [](char letter) {
        return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    });
    return text;
}

TreePlace place_of(const std::string& path)
{
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? TreePlace{.folder = {}, .name = path}
                                      : TreePlace{.folder = path.substr(0, slash), .name = path.substr(slash + 1)};
}

/// How our files look: readable for all, with the time of what they are of.
filesystem::Entry look_of(std::int64_t modified_ns)
{
    constexpr std::int64_t second = 1'000'000'000;
    filesystem::Entry out;
    out.mode = file_mode;
    out.uid = ::geteuid();
    out.gid = ::getegid();
    const auto seconds = modified_ns / second - (modified_ns % second < 0 ? 1 : 0);
    out.modified = {.seconds = seconds, .nanoseconds = static_cast<std::uint32_t>(modified_ns - seconds * second)};
    out.accessed = out.modified;
    return out;
}

/// The same for a file whose time says nothing.
void make_readable(const UnfinishedFile& file)
{
    static_cast<void>(::fchmod(file.descriptor.get(), file_mode)); // best effort: its content is what matters
}

} // namespace

/// Goes through a file in the hidden folder until it is finished.
class ExtractFolder::Text final : public artifact::TextOutput {
public:
    Text(ExtractFolder& owner, UnfinishedFile file, TreePlace place)
        : owner_{&owner}, file_{std::move(file)}, place_{std::move(place)}
    {
    }

    Result<> add(std::string_view text) override
    {
        buffer_ += text;
        return buffer_.size() < piece_bytes ? Result<>{} : flush();
    }

    Result<> finish() override
    {
        SALVAGE_TRY(flush());
        SALVAGE_TRY(TargetTree::set_size(file_, at_ - ByteOffset{0}));
        const auto sha256 = to_hex(hash_.finish());
        nlohmann::ordered_json line;
        line["path"] = nullptr;
        line["type"] = "file";
        line["size"] = at_.value;
        line["mtime"] = nullptr;
        line["lost_bytes"] = 0;
        line["sha256"] = sha256;
        put_text(line, "stored", place_.path());
        return owner_->push(
            {.file = std::move(file_), .place = std::move(place_), .line = to_line(line), .sha256 = sha256},
            at_ - ByteOffset{0});
    }

private:
    Result<> flush()
    {
        SALVAGE_TRY(TargetTree::write_sparse(file_, at_, as_bytes(buffer_)));
        hash_.update(as_bytes(buffer_));
        at_ = at_ + ByteCount{buffer_.size()};
        buffer_.clear();
        return {};
    }

    ExtractFolder* owner_;
    UnfinishedFile file_;
    TreePlace place_;
    std::string buffer_;
    ByteOffset at_;
    crypto::Sha256 hash_;
};

Result<std::unique_ptr<ExtractFolder>> ExtractFolder::open(const std::filesystem::path& path,
                                                           const ExtractRequest& request, const ExtractPages& pages,
                                                           ExtractReport& report, const RunContext& context)
{
    auto folder = SALVAGE_TRY(OutFolder::claim(path, {.state_name = state_name,
                                                      .schema = "salvage.extract-state/1",
                                                      .source = request.source_identity,
                                                      .work = "extraction"}));
    // While there is a manifest, the extraction is complete: this run's is not yet.
    std::error_code best_effort;
    for (const auto& name : {manifest_name, sums_name}) {
        std::filesystem::remove(path / name, best_effort);
    }
    auto tree = SALVAGE_TRY(TargetTree::open(folder.descriptor(), path, std::string{unfinished_folder}));
    Lists lists{.manifest = TextFile{SALVAGE_TRY(io::OutputFile::create(path / manifest_name))},
                .sums = TextFile{SALVAGE_TRY(io::OutputFile::create(path / sums_name))}};
    return std::unique_ptr<ExtractFolder>{
        new ExtractFolder{std::move(folder), std::move(tree), std::move(lists), pages, report, context}};
}

ExtractFolder::ExtractFolder(OutFolder folder, TargetTree tree, Lists lists, const ExtractPages& pages,
                             ExtractReport& report, const RunContext& context)
    : folder_{std::move(folder)}, tree_{std::move(tree)}, lists_{std::move(lists)}, pages_{&pages}, report_{&report},
      context_{&context}
{
    report_->out = folder_.path().string();
    for (const auto name : {manifest_name, sums_name}) {
        taken_.insert(without_case(std::string{name}));
    }
}

Result<> ExtractFolder::make_folders(const std::string& folder)
{
    for (std::size_t end = 0; end != std::string::npos && !folder.empty();) {
        end = folder.find('/', end + 1);
        const auto part = folder.substr(0, end);
        if (folders_.insert(part).second) {
            SALVAGE_TRY(tree_.make_folder(place_of(part)));
        }
    }
    return {};
}

TreePlace ExtractFolder::free_place(const std::string& folder, const std::string& name)
{
    TreePlace out{.folder = folder, .name = safe_name(name)};
    const auto dot = out.name.rfind('.');
    const auto stem = out.name.substr(0, dot == 0 ? std::string::npos : dot);
    const auto ending = out.name.substr(stem.size());
    for (std::uint64_t number = 2; !taken_.insert(without_case(out.path())).second; ++number) {
        out.name = fmt::format("{}~{}{}", stem, number, ending);
    }
    return out;
}

Result<std::unique_ptr<artifact::TextOutput>> ExtractFolder::begin(const std::string& path)
{
    auto place = place_of(path);
    SALVAGE_TRY(make_folders(place.folder));
    taken_.insert(without_case(path));
    auto file = SALVAGE_TRY(tree_.start_file());
    make_readable(file);
    return std::make_unique<Text>(*this, std::move(file), std::move(place));
}

Result<artifact::Stored> ExtractFolder::store(const io::ByteSource& content, const std::string& folder,
                                              const std::string& name, std::optional<std::int64_t> modified_ns,
                                              const artifact::Origin& origin)
{
    if (context_->is_stopped()) {
        return cancelled("taking out files");
    }
    if (content.size() > max_file_size) {
        return unsupported("the size it claims cannot be", fmt::format("{} bytes", content.size().value));
    }
    SALVAGE_TRY(make_folders(folder));
    auto file = SALVAGE_TRY(tree_.start_file());
    SALVAGE_TRY(TargetTree::set_size(file, content.size()));
    ContentCopy copying{content, file, pool_, lane_, *context_};
    auto trouble = copying.run([](ByteCount) {});
    if (!trouble.has_value() || trouble->has_value()) {
        tree_.drop(file);
        return trouble.has_value() ? Error{**std::move(trouble)} : Error{std::move(trouble).error()};
    }
    auto sha256 = copying.take_sha256();
    const auto lost = copying.take_losses().total();
    const auto place = free_place(folder, name);
    if (modified_ns) {
        tree_.dress(file, look_of(*modified_ns), {});
    } else {
        make_readable(file);
    }
    artifact::Stored out{.path = place.path(), .sha256 = sha256, .lost = lost};
    const bool may_be_known = lost == ByteCount{0} && !sha256.empty() && content.size() > ByteCount{0};
    const auto first = may_be_known ? firsts_.find(sha256) : firsts_.end();
    nlohmann::ordered_json line;
    put_text(line, "path", origin.file);
    line["type"] = "file";
    line["size"] = content.size().value;
    line["mtime"] = modified_ns ? nlohmann::ordered_json(*modified_ns) : nlohmann::ordered_json{};
    line["lost_bytes"] = lost.value;
    line["sha256"] =
        lost == ByteCount{0} && !sha256.empty() ? nlohmann::ordered_json(sha256) : nlohmann::ordered_json{};
    put_text(line, "stored", out.path);
    if (lost > ByteCount{0}) {
        line["stored_sha256"] = sha256;
        line["problem"] = describe_loss(lost);
        ++report_->lossy;
    }
    if (first != firsts_.end()) {
        put_text(line, "link_of", first->second);
        out.is_duplicate = true;
        ++report_->duplicates;
    } else if (may_be_known) {
        firsts_.emplace(sha256, out.path);
    }
    SALVAGE_TRY(push({.file = std::move(file), .place = place, .line = to_line(line), .sha256 = std::move(sha256)},
                     out.is_duplicate ? ByteCount{0} : content.size()));
    return out;
}

Result<> ExtractFolder::push(Pending pending, ByteCount size)
{
    ++report_->files;
    report_->bytes = report_->bytes + size;
    pending_bytes_ = pending_bytes_ + size;
    pending.file.descriptor.close(); // whole: its name is enough from here, and a batch has more files than may be open
    pending_.push_back(std::move(pending));
    advance();
    return pending_.size() < batch_files && pending_bytes_ < batch_bytes ? Result<>{} : finish_batch();
}

void ExtractFolder::advance()
{
    context_->progress->update({.step = "extract", .unit = "files", .done = report_->files, .total = std::nullopt});
}

/// A second name for the same bytes; false where the disk has none, and the copy is needed.
Result<bool> ExtractFolder::link_to_first(const std::string& sha256, const TreePlace& place)
{
    const auto first = firsts_.find(sha256);
    if (first == firsts_.end() || first->second == place.path()) {
        return false;
    }
    const auto linked = tree_.make_link(place_of(first->second), place);
    return linked.has_value();
}

/// Gives a file its name.  What an earlier run of ours left there is kept where it is the same, and replaced where it
/// is not.
Result<> ExtractFolder::name(Pending& pending)
{
    if (!pending.sha256.empty() && SALVAGE_TRY(link_to_first(pending.sha256, pending.place))) {
        tree_.drop(pending.file);
        return {};
    }
    auto named = tree_.finish(pending.file, pending.place);
    if (named.has_value() || named.error().code != ErrorCode::already_exists) {
        return named;
    }
    const auto there = tree_.sha256_of(pending.place);
    if (there.has_value() && *there == pending.sha256) {
        tree_.drop(pending.file);
        return {};
    }
    if (!there.has_value()) { // a folder or a link: not of ours
        return named;
    }
    tree_.remove_file(pending.place);
    return tree_.finish(pending.file, pending.place);
}

Result<> ExtractFolder::finish_batch()
{
    SALVAGE_TRY(tree_.flush());
    std::string manifest;
    std::string sums;
    for (auto& pending : pending_) {
        SALVAGE_TRY(name(pending));
        manifest += pending.line;
        if (!pending.sha256.empty()) {
            sums += sums_line(pending.sha256, pending.place.path());
        }
    }
    pending_.clear();
    pending_bytes_ = {};
    SALVAGE_TRY(lists_.manifest.append(manifest));
    return lists_.sums.append(sums);
}

Result<> ExtractFolder::write_whole(const std::string& path, std::string_view text)
{
    const auto file = SALVAGE_TRY(begin(path));
    SALVAGE_TRY(file->add(text));
    return file->finish();
} // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): the result gives it away

Result<> ExtractFolder::draw(const DrawnPage& page)
{
    return write_whole(page.path, page.html);
}

Result<> ExtractFolder::page(const artifact::TablePage& page)
{
    for (const auto& drawn : pages_->draw(page)) {
        SALVAGE_TRY(draw(drawn));
    }
    return {};
}

Result<> ExtractFolder::page(const artifact::ConversationPage& page)
{
    return draw(pages_->draw(page));
}

Result<> ExtractFolder::page(const artifact::GalleryPage& page)
{
    return draw(pages_->draw(page));
}

void ExtractFolder::index(artifact::IndexEntry entry)
{
    constexpr std::size_t longest = 1024;
    for (auto* const text : {&entry.title, &entry.detail}) {
        text->resize(std::min(text->size(), longest)); // a cut character is drawn as one
    }
    const auto bytes = entry.title.size() + entry.detail.size() + entry.path.size();
    if (entries_.size() >= max_index_entries || index_bytes_ + bytes > max_index_bytes) {
        ++report_->unlisted;
        return;
    }
    index_bytes_ += bytes;
    entries_.push_back(std::move(entry));
}

Result<> ExtractFolder::finish()
{
    report_->index = (folder_.path() / "index.html").string();
    report_->manifest = (folder_.path() / manifest_name).string();
    report_->sums = (folder_.path() / sums_name).string();
    SALVAGE_TRY(draw(pages_->draw_front(*report_, entries_)));
    SALVAGE_TRY(write_whole("extract.json", pages_->json(*report_)));
    SALVAGE_TRY(finish_batch());
    SALVAGE_TRY(lists_.sums.commit());
    SALVAGE_TRY(lists_.manifest.commit());
    tree_.close();
    return {};
}

} // namespace salvage::rescue
