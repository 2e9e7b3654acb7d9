// Directories of NTFS.
#include "index.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace salvage::filesystem::ntfs {
namespace {

constexpr std::string_view index_name = "$I30";
constexpr std::size_t root_header_bytes = 16;
constexpr std::size_t block_header_bytes = 24;
constexpr std::size_t node_header_bytes = 16;
constexpr std::size_t entry_header_bytes = 16;
constexpr std::uint16_t last_entry = 2;
constexpr std::uint64_t least_block_bytes = 512;
constexpr std::uint64_t max_block_bytes = 64U << 10U;
// More names than Android keeps in one folder by three orders of magnitude.
constexpr std::size_t max_entries = 1U << 20U;
constexpr ByteCount max_bitmap_bytes{1U << 20U};

class Reader {
public:
    /// Entries of a node, whose header `node` begins with.
    void add_node(ByteView node)
    {
        if (node.size() < node_header_bytes) {
            damaged("a node of a directory is shorter than its header");
            return;
        }
        const std::size_t first = load_le<std::uint32_t>(node);
        const std::size_t used = load_le<std::uint32_t>(node.subspan(4));
        if (first < node_header_bytes || first > used || used > node.size()) {
            damaged("a node of a directory has impossible sizes");
            return;
        }
        for (std::size_t at = first; used - at >= entry_header_bytes;) {
            const auto entry = node.subspan(at, used - at);
            const std::size_t length = load_le<std::uint16_t>(entry.subspan(8));
            const std::size_t key = load_le<std::uint16_t>(entry.subspan(10));
            if ((load_le<std::uint16_t>(entry.subspan(12)) & last_entry) != 0) {
                return;
            }
            if (length < entry_header_bytes || length > entry.size() || key > length - entry_header_bytes) {
                damaged("an entry of a directory has an impossible length");
                return;
            }
            add_entry(entry, key);
            at += length;
        }
        damaged("a node of a directory has no last entry");
    }

    void damaged(std::string_view what) { damaged(malformed({}, what)); }
    void damaged(Error error)
    {
        if (!index_.damage) {
            index_.damage = std::move(error);
        }
    }
    [[nodiscard]] bool is_full() const noexcept { return index_.entries.size() >= max_entries; }
    [[nodiscard]] Index take() { return std::move(index_); }

private:
    void add_entry(ByteView entry, std::size_t key)
    {
        auto name = parse_file_name(entry.subspan(entry_header_bytes, key));
        if (!name) {
            const bool is_root_itself = key >= 68 && reference_at(entry).record == system_file::root;
            if (!is_root_itself) {
                damaged("an entry of a directory has no name");
            }
            return;
        }
        if (name->space != FileName::Space::dos && !is_full()) {
            index_.entries.push_back({.file = reference_at(entry), .name = std::move(*name)});
        }
    }

    Index index_;
};

/// Blocks of the index that are in use, by its own bitmap, which may be shorter; all, where that is lost.
std::vector<bool> blocks_in_use(const Volume& volume, const File& directory, std::uint64_t blocks, Reader& reader)
{
    std::vector<bool> out(static_cast<std::size_t>(blocks), true);
    const auto* const attribute = directory.find(attribute_type::bitmap, index_name);
    if (attribute == nullptr) {
        reader.damaged("a directory does not say which of its blocks are in use");
        return out;
    }
    const auto content = volume.content(directory, *attribute);
    const auto bytes = content.has_value() ? io::read_all(**content, max_bitmap_bytes) : Result<Bytes>{content.error()};
    if (!bytes.has_value()) {
        reader.damaged(bytes.error());
        return out;
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = i / 8 < bytes->size() && (std::to_integer<unsigned>((*bytes)[i / 8]) & (1U << i % 8)) != 0;
    }
    return out;
}

Result<Bytes> read_block(const io::ByteSource& blocks, ByteOffset at, std::uint64_t block_bytes)
{
    auto block = SALVAGE_TRY(io::read_bytes(blocks, at, ByteCount{block_bytes}));
    if (as_text(ByteView{block}.first(4)) != "INDX") {
        return io::lifted(malformed({}, "a block of a directory has no valid magic",
                                    fmt::format("found {}", to_spaced_hex(ByteView{block}.first(4)))),
                          blocks, at);
    }
    SALVAGE_TRY(io::lifted(apply_fixups(block), blocks, at));
    return block;
}

Result<> add_blocks(const Volume& volume, const File& directory, std::uint64_t block_bytes, Reader& reader)
{
    const auto* const attribute = directory.find(attribute_type::index_allocation, index_name);
    if (attribute == nullptr) {
        return {};
    }
    const auto content = SALVAGE_TRY(volume.content(directory, *attribute));
    const auto blocks = std::min(content->size().value, volume.present().value) / block_bytes;
    const auto in_use = blocks_in_use(volume, directory, blocks, reader);
    for (std::uint64_t i = 0; i < blocks && !reader.is_full(); ++i) {
        if (!in_use[static_cast<std::size_t>(i)]) {
            continue;
        }
        const auto block = read_block(*content, ByteOffset{i * block_bytes}, block_bytes);
        if (block.has_value()) {
            reader.add_node(ByteView{*block}.subspan(block_header_bytes));
            continue;
        }
        if (block.error().code == ErrorCode::io) {
            return block.error();
        }
        reader.damaged(block.error());
    }
    return {};
}

} // namespace

Result<Index> read_index(const Volume& volume, const File& directory)
{
    const auto* const root = directory.find(attribute_type::index_root, index_name);
    if (root == nullptr || root->value.size() < root_header_bytes + node_header_bytes) {
        return directory.damage.value_or(
            malformed({}, "a directory has no index of its names", fmt::format("record {}", directory.number)));
    }
    const std::uint64_t block_bytes = load_le<std::uint32_t>(ByteView{root->value}.subspan(8));
    Reader reader;
    if (directory.damage) {
        reader.damaged(*directory.damage);
    }
    reader.add_node(ByteView{root->value}.subspan(root_header_bytes));
    if (block_bytes < least_block_bytes || block_bytes > max_block_bytes || block_bytes % 512 != 0) {
        reader.damaged("the blocks of a directory have an impossible size");
        return reader.take();
    }
    SALVAGE_TRY(add_blocks(volume, directory, block_bytes, reader));
    return reader.take();
}

} // namespace salvage::filesystem::ntfs
