#include "artifact/row_places.hpp"

#include "salvage/core/bytes.hpp"

namespace salvage::artifact {
namespace {

// SQLite's own bound: a tree of the smallest fan-out with more levels fits into no file.
constexpr int max_depth = 20;
constexpr std::uint8_t interior_page = 0x05;
constexpr std::uint8_t leaf_page = 0x0D;

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

struct Page {
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
};

std::optional<Page> read_page(const io::ByteSource& database, std::uint64_t page_bytes, std::int64_t number)
{
    const auto count = database.size().value / page_bytes;
    if (number < 1 || static_cast<std::uint64_t>(number) > count) {
        return std::nullopt;
    }
    auto bytes = io::read_bytes(database, ByteOffset{(static_cast<std::uint64_t>(number) - 1) * page_bytes},
                                ByteCount{page_bytes});
    if (!bytes.has_value()) {
        return std::nullopt;
    }
    const std::size_t header = number == 1 ? 100 : 0;
    const auto kind = std::to_integer<std::uint8_t>((*bytes)[header]);
    if (kind != interior_page && kind != leaf_page) {
        return std::nullopt;
    }
    const std::size_t cells = load_be<std::uint16_t>(ByteView{*bytes}.subspan(header + 3));
    return Page{.bytes = *std::move(bytes), .header = header, .is_leaf = kind == leaf_page, .cells = cells};
}

/// The first cell whose key is `rowid` or more; the number of cells where there is none.
std::optional<std::size_t> lower_bound(const Page& page, std::int64_t rowid)
{
    std::size_t first = 0;
    for (auto count = page.cells; count > 0;) {
        const auto middle = first + count / 2;
        const auto cell = page.cell_at(middle);
        const auto key = cell ? page.key_at(*cell) : std::nullopt;
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

std::optional<std::int64_t> child_of(const Page& page, std::size_t index)
{
    const auto cell = index < page.cells ? page.cell_at(index) : std::optional{page.header + 8};
    if (!cell || *cell + 4 > page.bytes.size()) {
        return std::nullopt;
    }
    return load_be<std::uint32_t>(ByteView{page.bytes}.subspan(*cell));
}

} // namespace

std::optional<ByteOffset> find_row_place(const io::ByteSource& database, std::int64_t root, std::int64_t rowid)
{
    const auto head = io::read_up_to(database, ByteOffset{0}, ByteCount{100});
    if (!head.has_value() || head->size() < 100) {
        return std::nullopt;
    }
    const std::uint64_t stored = load_be<std::uint16_t>(ByteView{*head}.subspan(16));
    const std::uint64_t page_bytes = stored == 1 ? 65'536 : stored;
    if (page_bytes < 512) {
        return std::nullopt;
    }
    auto number = root;
    for (int depth = 0; depth < max_depth; ++depth) {
        const auto page = read_page(database, page_bytes, number);
        const auto index = page ? lower_bound(*page, rowid) : std::nullopt;
        if (!index) {
            return std::nullopt;
        }
        if (page->is_leaf) {
            const auto cell = *index < page->cells ? page->cell_at(*index) : std::nullopt;
            return cell && page->key_at(*cell) == rowid
                       ? std::optional{ByteOffset{(static_cast<std::uint64_t>(number) - 1) * page_bytes + *cell}}
                       : std::nullopt;
        }
        const auto child = child_of(*page, *index);
        if (!child) {
            return std::nullopt;
        }
        number = *child;
    }
    return std::nullopt;
}

} // namespace salvage::artifact
