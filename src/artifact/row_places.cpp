// The way from a table's root to the leaf that holds a row.
#include "artifact/row_places.hpp"

#include <utility>

namespace salvage::artifact {
namespace {

// As SQLite's btree.c has it (BTCURSOR_MAX_DEPTH): a deeper tree has more pages than a file may have.
constexpr int max_depth = 20;
constexpr std::uint8_t interior_page = 0x05;
constexpr std::uint8_t leaf_page = 0x0D;
constexpr std::size_t file_header_bytes = 100;
// All pages of a table of a million rows that lead to others.
constexpr std::uint64_t max_kept_bytes = 4U << 20U;

/// A number of one to nine bytes, and its length; nothing where the page ends.
struct Varint {
    std::uint64_t value{};
    std::size_t length{};
};
std::optional<Varint> varint_at(ByteView page, std::size_t at)
{
    constexpr std::size_t most = 9;
    Varint out;
    for (; out.length < most && at + out.length < page.size(); ++out.length) {
        const auto byte = std::to_integer<std::uint8_t>(page[at + out.length]);
        if (out.length == most - 1) {
            out.value = (out.value << 8U) | byte;
        } else {
            out.value = (out.value << 7U) | (byte & 0x7FU);
        }
        if (out.length == most - 1 || (byte & 0x80U) == 0) {
            ++out.length;
            return out;
        }
    }
    return std::nullopt;
}

std::uint64_t page_bytes_of(const io::ByteSource& database)
{
    constexpr std::uint64_t fewest = 512;
    const auto head = io::read_up_to(database, ByteOffset{0}, ByteCount{file_header_bytes});
    if (!head.has_value() || head->size() < file_header_bytes) {
        return 0;
    }
    const std::uint64_t stored = load_be<std::uint16_t>(ByteView{*head}.subspan(16));
    const std::uint64_t bytes = stored == 1 ? 65'536 : stored;
    return bytes < fewest ? 0 : bytes;
}

} // namespace

struct RowPlaces::Page {
    Bytes bytes;
    std::size_t header; ///< 100 in the first page, which begins with the file's own header
    bool is_leaf;
    std::size_t cells;

    [[nodiscard]] std::optional<std::size_t> cell_at(std::size_t index) const
    {
        const auto pointer = header + (is_leaf ? 8U : 12U) + 2 * index;
        if (pointer + 2 > bytes.size()) {
            return std::nullopt;
        }
        return load_be<std::uint16_t>(ByteView{bytes}.subspan(pointer));
    }

    /// The key of a cell: behind the child's number, or behind the length of the row.
    [[nodiscard]] std::optional<std::int64_t> key_at(std::size_t cell) const
    {
        constexpr std::size_t child_bytes = 4;
        auto at = cell + child_bytes;
        if (is_leaf) {
            const auto length = varint_at(bytes, cell);
            if (!length) {
                return std::nullopt;
            }
            at = cell + length->length;
        }
        const auto key = varint_at(bytes, at);
        return key ? std::optional{static_cast<std::int64_t>(key->value)} : std::nullopt;
    }

    /// The first cell whose key is `rowid` or more; the number of cells where there is none.
    [[nodiscard]] std::optional<std::size_t> lower_bound(std::int64_t rowid) const
    {
        std::size_t first = 0;
        for (auto count = cells; count > 0;) {
            const auto middle = first + count / 2;
            const auto cell = cell_at(middle);
            const auto key = cell ? key_at(*cell) : std::nullopt;
            if (!key) {
                return std::nullopt;
            }
            if (*key < rowid) {
                first = middle + 1;
                count -= count / 2 + 1;
            } else {
                count /= 2;
            }
        }
        return first;
    }

    /// The page below a cell; behind the last one, that of the header.
    [[nodiscard]] std::optional<std::int64_t> child_at(std::size_t index) const
    {
        const auto cell = index < cells ? cell_at(index) : std::optional{header + 8};
        if (!cell || *cell + 4 > bytes.size()) {
            return std::nullopt;
        }
        return load_be<std::uint32_t>(ByteView{bytes}.subspan(*cell));
    }
};

RowPlaces::RowPlaces(io::SourcePtr database) : database_{std::move(database)}, page_bytes_{page_bytes_of(*database_)} {}
RowPlaces::RowPlaces(RowPlaces&&) noexcept = default;
RowPlaces& RowPlaces::operator=(RowPlaces&&) noexcept = default;
RowPlaces::~RowPlaces() = default;

RowPlaces::PagePtr RowPlaces::read_page(std::int64_t number) const
{
    const auto count = page_bytes_ == 0 ? 0 : database_->size().value / page_bytes_;
    if (number < 1 || static_cast<std::uint64_t>(number) > count) {
        return nullptr;
    }
    auto bytes = io::read_bytes(*database_, ByteOffset{(static_cast<std::uint64_t>(number) - 1) * page_bytes_},
                                ByteCount{page_bytes_});
    if (!bytes.has_value()) {
        return nullptr;
    }
    const std::size_t header = number == 1 ? file_header_bytes : 0;
    const auto kind = std::to_integer<std::uint8_t>((*bytes)[header]);
    if (kind != interior_page && kind != leaf_page) {
        return nullptr;
    }
    const std::size_t cells = load_be<std::uint16_t>(ByteView{*bytes}.subspan(header + 3));
    return std::make_shared<const Page>(
        Page{.bytes = *std::move(bytes), .header = header, .is_leaf = kind == leaf_page, .cells = cells});
}

RowPlaces::PagePtr RowPlaces::page(std::int64_t number)
{
    if (const auto known = kept_.find(number); known != kept_.end()) {
        return known->second;
    }
    auto out = read_page(number);
    if (out != nullptr && !out->is_leaf && (kept_.size() + 1) * page_bytes_ <= max_kept_bytes) {
        kept_.emplace(number, out);
    }
    return out;
}

std::optional<ByteOffset> RowPlaces::find(std::int64_t root, std::int64_t rowid)
{
    auto number = root;
    for (int depth = 0; depth < max_depth; ++depth) {
        const auto at = page(number);
        const auto index = at != nullptr ? at->lower_bound(rowid) : std::nullopt;
        if (!index) {
            return std::nullopt;
        }
        if (at->is_leaf) {
            const auto cell = *index < at->cells ? at->cell_at(*index) : std::nullopt;
            return cell && at->key_at(*cell) == rowid
                       ? std::optional{ByteOffset{(static_cast<std::uint64_t>(number) - 1) * page_bytes_ + *cell}}
                       : std::nullopt;
        }
        const auto child = at->child_at(*index);
        if (!child) {
            return std::nullopt;
        }
        number = *child;
    }
    return std::nullopt;
}

} // namespace salvage::artifact
