#include "artifact/deleted_pages.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "salvage/core/run_context.hpp"

namespace salvage::artifact {
namespace {

constexpr std::size_t database_head_bytes = 100;
constexpr std::size_t wal_head_bytes = 32;
constexpr std::size_t frame_head_bytes = 24;
constexpr std::uint8_t index_inner = 0x02;
constexpr std::uint8_t table_inner = 0x05;
constexpr std::uint8_t index_leaf = 0x0A;
constexpr std::uint8_t table_leaf = 0x0D;
// Where locks are, in every database that reaches so far.
constexpr std::uint64_t lock_byte = 1ULL << 30U;

std::uint8_t byte_at(ByteView bytes, std::size_t at)
{
    return std::to_integer<std::uint8_t>(bytes[at]);
}

/// The running sums of a WAL: each frame's go on from those of the one before.  Spec: fileformat2.html, 4.2.
struct WalSums {
    std::uint32_t first{};
    std::uint32_t second{};
    bool is_big{false};

    void add(ByteView bytes)
    {
        for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
            const auto word = [&](std::size_t where) {
                return is_big ? load_be<std::uint32_t>(bytes.subspan(where))
                              : load_le<std::uint32_t>(bytes.subspan(where));
            };
            first += word(at) + second;
            second += word(at + 4) + first;
        }
    }
    [[nodiscard]] bool are(ByteView stored) const
    {
        return load_be<std::uint32_t>(stored) == first && load_be<std::uint32_t>(stored.subspan(4)) == second;
    }
};

} // namespace

Result<DatabasePages> DatabasePages::open(const DatabaseFiles& files, const std::stop_token& stop)
{
    DatabasePages out{files};
    SALVAGE_TRY(out.read_head());
    if (files.wal != nullptr) {
        SALVAGE_TRY(out.read_wal(stop));
    }
    const auto first = out.read(out.current(1));
    const bool has_map = first && load_be<std::uint32_t>(ByteView{*first}.subspan(52)) != 0;
    out.mark_reserved(has_map);
    std::vector<Root> found;
    SALVAGE_TRY(out.mark_tree({.page = 1, .name = {}}, &found, stop));
    for (const auto& root : found) {
        SALVAGE_TRY(out.mark_tree(root, nullptr, stop));
    }
    if (first) {
        out.mark_free(load_be<std::uint32_t>(ByteView{*first}.subspan(32)));
    }
    return out;
}

Result<> DatabasePages::read_head()
{
    constexpr std::size_t fewest_usable = 480; // as SQLite has it
    const auto head =
        SALVAGE_TRY(io::read_bytes(*files_.database, ByteOffset{0}, ByteCount{database_head_bytes}).in("its head"));
    if (!is_database(head)) {
        return malformed(ByteOffset{0}, "it is no SQLite database");
    }
    const std::size_t stored = load_be<std::uint16_t>(ByteView{head}.subspan(16));
    page_bytes_ = stored == 1 ? 65'536 : stored;
    const std::size_t kept_free = byte_at(head, 20);
    if (page_bytes_ < 512 || (page_bytes_ & (page_bytes_ - 1)) != 0 || page_bytes_ - kept_free < fewest_usable) {
        return malformed(ByteOffset{16}, "the size of its pages is none that can be");
    }
    usable_bytes_ = page_bytes_ - kept_free;
    const auto coded = load_be<std::uint32_t>(ByteView{head}.subspan(56));
    encoding_ = coded == 2 || coded == 3 ? static_cast<TextEncoding>(coded) : TextEncoding::utf8;
    const auto pages = files_.database->size().value / page_bytes_;
    if (pages > max_pages) {
        return unsupported("it has more pages than are looked through");
    }
    uses_.assign(static_cast<std::size_t>(pages), PageUse::none);
    roots_.assign(static_cast<std::size_t>(pages), 0);
    return pages == 0 ? Result<>{malformed(ByteOffset{0}, "it ends within its first page")} : Result<>{};
}

Result<> DatabasePages::read_wal(const std::stop_token& stop)
{
    const auto head = io::read_up_to(*files_.wal, ByteOffset{0}, ByteCount{wal_head_bytes});
    if (!head.has_value() || head->size() < wal_head_bytes ||
        load_be<std::uint32_t>(ByteView{*head}.subspan(8)) != page_bytes_) {
        return {};
    }
    const auto salts = as_text(ByteView{*head}.subspan(16, 8));
    WalSums sums{.is_big = (byte_at(*head, 3) & 1U) != 0};
    sums.add(ByteView{*head}.first(24));
    bool is_valid = sums.are(ByteView{*head}.subspan(24));
    std::vector<PageImage> pending;
    const auto frame_bytes = frame_head_bytes + page_bytes_;
    const auto frames = std::min((files_.wal->size().value - wal_head_bytes) / frame_bytes, max_pages);
    const auto most_pages = std::min(uses_.size() + frames, max_pages);
    for (std::uint64_t i = 0; i < frames; ++i) {
        if (stop.stop_requested()) {
            return cancelled("looking for deleted rows");
        }
        const auto at = wal_head_bytes + i * frame_bytes;
        const auto frame = io::read_bytes(*files_.wal, ByteOffset{at}, ByteCount{frame_bytes});
        if (!frame.has_value()) {
            is_valid = false;
            ++unreadable_frames_;
            continue;
        }
        const ByteView view{*frame};
        const PageImage image{.page = load_be<std::uint32_t>(view), .byte = at + frame_head_bytes, .is_in_wal = true};
        sums.add(view.first(8));
        sums.add(view.subspan(frame_head_bytes));
        is_valid = is_valid && as_text(view.subspan(8, 8)) == salts && sums.are(view.subspan(16)) && image.page > 0 &&
                   image.page <= most_pages;
        (is_valid ? pending : old_).push_back(image);
        if (is_valid && load_be<std::uint32_t>(view.subspan(4)) != 0) {
            commit(pending);
        }
    }
    old_.insert(old_.end(), pending.begin(), pending.end());
    return {};
}

void DatabasePages::commit(std::vector<PageImage>& pending)
{
    const auto in_file = files_.database->size().value / page_bytes_;
    for (const auto& image : pending) {
        const auto [known, is_new] = newest_.try_emplace(image.page, image.byte);
        if (!is_new) {
            old_.push_back({.page = image.page, .byte = std::exchange(known->second, image.byte), .is_in_wal = true});
        } else if (image.page <= in_file) {
            old_.push_back(
                {.page = image.page, .byte = (image.page - std::uint64_t{1}) * page_bytes_, .is_in_wal = false});
        }
        if (image.page > uses_.size()) { // one more page of the WAL: a byte or five for each, whatever it calls itself
            uses_.resize(image.page, PageUse::none);
            roots_.resize(image.page, 0);
        }
    }
    pending.clear();
}

PageImage DatabasePages::current(std::uint32_t number) const
{
    const auto found = newest_.find(number);
    return found != newest_.end()
               ? PageImage{.page = number, .byte = found->second, .is_in_wal = true}
               : PageImage{.page = number, .byte = (number - std::uint64_t{1}) * page_bytes_, .is_in_wal = false};
}

std::optional<Bytes> DatabasePages::read(const PageImage& image) const
{
    const auto& file = image.is_in_wal ? files_.wal : files_.database;
    auto bytes = io::read_bytes(*file, ByteOffset{image.byte}, ByteCount{page_bytes_});
    return bytes.has_value() ? std::optional{*std::move(bytes)} : std::nullopt;
}

std::uint64_t DatabasePages::bytes() const noexcept
{
    return files_.database->size().value + (files_.wal == nullptr ? 0 : files_.wal->size().value);
}

bool DatabasePages::take(std::uint32_t number, PageUse use, std::uint32_t root)
{
    if (number == 0 || number > count() || use_of(number) != PageUse::none) {
        return false;
    }
    uses_[number - 1] = use;
    roots_[number - 1] = root;
    return true;
}

void DatabasePages::mark_reserved(bool has_map)
{
    const auto lock_page = lock_byte / page_bytes_ + 1;
    take(static_cast<std::uint32_t>(std::min<std::uint64_t>(lock_page, max_pages + 1)), PageUse::reserved, 0);
    const auto mapped = usable_bytes_ / 5;
    for (std::uint64_t number = 2; has_map && number <= count(); number += mapped + 1) {
        take(static_cast<std::uint32_t>(number == lock_page ? number + 1 : number), PageUse::reserved, 0);
    }
}

void DatabasePages::mark_free(std::uint32_t first)
{
    for (auto trunk = first; take(trunk, PageUse::free_trunk, 0);) {
        const auto page = read(current(trunk));
        if (!page) {
            return;
        }
        const ByteView view{*page};
        const std::size_t leaves =
            std::min<std::size_t>(load_be<std::uint32_t>(view.subspan(4)), usable_bytes_ / 4 - 2);
        for (std::size_t i = 0; i < leaves; ++i) {
            take(load_be<std::uint32_t>(view.subspan(8 + 4 * i)), PageUse::free_leaf, 0);
        }
        trunk = load_be<std::uint32_t>(view);
    }
}

Result<> DatabasePages::mark_tree(const Root& root, std::vector<Root>* found, const std::stop_token& stop)
{
    std::vector<std::uint32_t> todo;
    if (take(root.page, PageUse::tree, root.page)) {
        todo.push_back(root.page);
    }
    while (!todo.empty()) {
        if (stop.stop_requested()) {
            return cancelled("looking for deleted rows");
        }
        const auto number = todo.back();
        todo.pop_back();
        const auto page = read(current(number));
        if (!page) {
            continue;
        }
        const ByteView view = ByteView{*page}.first(usable_bytes_);
        const std::size_t head = number == 1 ? database_head_bytes : 0;
        const auto kind = byte_at(view, head);
        if (number == root.page && !root.name.empty() && (kind == table_inner || kind == table_leaf)) {
            tables_.emplace(number, root.name);
        }
        constexpr std::array kinds_of_pages{index_inner, table_inner, index_leaf, table_leaf};
        if (std::ranges::find(kinds_of_pages, kind) != kinds_of_pages.end()) {
            mark_cells(view, head, number, todo, found);
        } else {
            uses_[number - 1] = PageUse::none; // no page of a tree, whatever leads to it
        }
    }
    return {};
}

void DatabasePages::mark_cells(ByteView page, std::size_t head, std::uint32_t number, std::vector<std::uint32_t>& todo,
                               std::vector<Root>* found)
{
    const auto kind = byte_at(page, head);
    const bool is_inner = kind == table_inner || kind == index_inner;
    const auto lead = [&](std::uint32_t child) {
        if (take(child, PageUse::tree, root_of(number))) { // so no page comes twice, whatever leads where
            todo.push_back(child);
        }
    };
    if (is_inner) {
        lead(load_be<std::uint32_t>(page.subspan(head + 8)));
    }
    const auto first = head + (is_inner ? 12U : 8U);
    const std::size_t cells = load_be<std::uint16_t>(page.subspan(head + 3));
    for (std::size_t i = 0; i < cells && first + 2 * i + 2 <= page.size(); ++i) {
        std::size_t at = load_be<std::uint16_t>(page.subspan(first + 2 * i));
        if (at < first || at + 4 > page.size()) {
            continue;
        }
        if (is_inner) {
            lead(load_be<std::uint32_t>(page.subspan(at)));
            at += 4;
        }
        if (kind != table_inner) {
            mark_payload(page, at, kind == table_leaf, found);
        }
    }
}

void DatabasePages::mark_payload(ByteView page, std::size_t at, bool is_table, std::vector<Root>* found)
{
    const auto payload = cell_number(page, at);
    if (!payload) {
        return;
    }
    at += payload->length;
    if (is_table) {
        at += cell_number(page, at).value_or(CellNumber{}).length;
    }
    mark_overflow(page, at, payload->value, is_table);
    if (found != nullptr && is_table) {
        read_root(page, at, payload->value, *found);
    }
}

void DatabasePages::mark_overflow(ByteView page, std::size_t at, std::uint64_t payload, bool is_table)
{
    const auto local = local_part(payload, usable_bytes_, is_table);
    if (!local.has_overflow || at + local.bytes + 4 > page.size()) {
        return;
    }
    auto next = load_be<std::uint32_t>(page.subspan(at + static_cast<std::size_t>(local.bytes)));
    for (auto left = payload - local.bytes; take(next, PageUse::overflow, 0);) {
        const auto bytes = read(current(next));
        if (!bytes || left <= usable_bytes_ - 4) {
            return;
        }
        left -= usable_bytes_ - 4;
        next = load_be<std::uint32_t>(ByteView{*bytes});
    }
}

/// A row of the schema: type, name, name of its table, first page, SQL.
void DatabasePages::read_root(ByteView page, std::size_t at, std::uint64_t payload, std::vector<Root>& found) const
{
    constexpr std::size_t root_field = 3;
    constexpr std::size_t most_roots = 65'536;
    constexpr std::size_t longest_name = 256;
    std::vector<std::uint64_t> serials;
    const auto local = local_part(payload, usable_bytes_, true);
    const auto end = at + static_cast<std::size_t>(std::min<std::uint64_t>(local.bytes, page.size()));
    const auto head = record_head(page, at, end, serials);
    if (!head || serials.size() <= root_field) {
        return;
    }
    auto where = at + static_cast<std::size_t>(head->bytes);
    std::array<Value, 4> values; // the first ones, root_field being the last
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto size = serial_bytes(serials[i]).value_or(0);
        if (where > page.size() || size > page.size() - where) {
            return;
        }
        values.at(i) =
            stored_value(serials[i], page.subspan(where, static_cast<std::size_t>(size)), encoding_).value_or(Value{});
        where += static_cast<std::size_t>(size);
    }
    const auto root = to_integer(values[root_field]).value_or(0);
    const auto what = to_text(values[0]).value_or(std::string{});
    auto called = to_text(values[1]).value_or(std::string{});
    if (root > 0 && root <= count() && found.size() < most_roots) {
        const bool is_told = what == "table" && !called.starts_with("sqlite_") && called.size() <= longest_name;
        found.push_back(
            {.page = static_cast<std::uint32_t>(root), .name = is_told ? std::move(called) : std::string{}});
    }
}

} // namespace salvage::artifact
