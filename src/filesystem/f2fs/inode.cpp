// Node blocks and inodes of f2fs.
#include "inode.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include <fmt/format.h>

#include "filesystem/fields.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::filesystem::f2fs {
namespace {

constexpr std::size_t addresses_at = 360;
constexpr std::size_t nodes_at = 4052;
constexpr std::size_t checksum_at = addresses_at + 8;
constexpr std::size_t most_extra_bytes = 36;
constexpr std::size_t default_attribute_words = 50;
constexpr std::size_t max_name_bytes = 255;
constexpr unsigned algorithms = 4;

Timestamp time_at(const Fields& fields, std::size_t seconds_at, std::size_t nanoseconds_at) noexcept
{
    return {.seconds = std::bit_cast<std::int64_t>(fields.u64(seconds_at)), .nanoseconds = fields.u32(nanoseconds_at)};
}

Error impossible(std::size_t at, std::string_view field, std::uint64_t value, std::string_view expected)
{
    return malformed(ByteOffset{at}, "an inode of f2fs contradicts itself",
                     fmt::format("{} is {} ({:#x}), expected {}", field, value, value, expected));
}

/// Spec: Linux, fs/f2fs/inode.c, f2fs_inode_chksum.
Result<> check_checksum(ByteView block, const Superblock& superblock)
{
    const Fields fields{block};
    std::array<std::byte, 4> number{};
    store_le(number, fields.u32(footer_at + 4));
    auto computed = checksum(0xFFFFFFFFU, superblock.uuid);
    computed = checksum(computed, number);
    computed = checksum(computed, fields.slice(generation_at, 4));
    computed = checksum(computed, block.first(checksum_at));
    computed = checksum(computed, std::array<std::byte, 4>{});
    computed = checksum(computed, block.subspan(checksum_at + 4));
    if (computed != fields.u32(checksum_at)) {
        return malformed(ByteOffset{checksum_at}, "the checksum of an inode is wrong",
                         fmt::format("found {:08x}, computed {:08x}", fields.u32(checksum_at), computed));
    }
    return {};
}

Result<> read_compression(const Fields& fields, Inode& out)
{
    Compression value{.algorithm = fields.u8(addresses_at + 32),
                      .log_cluster_blocks = fields.u8(addresses_at + 33),
                      .has_checksums = (fields.u16(addresses_at + 34) & 1U) != 0};
    if (value.algorithm >= algorithms || value.log_cluster_blocks < 2 || value.log_cluster_blocks > 8) {
        return impossible(addresses_at + 33, "i_log_cluster_size", value.log_cluster_blocks,
                          fmt::format("2 to 8, and an algorithm below 4, found {}", value.algorithm));
    }
    out.compression = value;
    return {};
}

/// Further fields stand where the first addresses would.
Result<> read_extra_fields(const Fields& fields, const Superblock& superblock, Inode& out)
{
    const std::size_t bytes = fields.u16(addresses_at);
    if (bytes % 4 != 0 || bytes < 4 || bytes > most_extra_bytes) {
        return impossible(addresses_at, "i_extra_isize", bytes, "a multiple of 4 up to 36");
    }
    out.extra_words = bytes / 4;
    if (superblock.has(feature::inode_checksum) && bytes >= 12) {
        SALVAGE_TRY(check_checksum(fields.slice(0, block_bytes), superblock));
    }
    if (superblock.has(feature::inode_created) && bytes >= 24) {
        out.created = time_at(fields, addresses_at + 12, addresses_at + 20);
    }
    const bool is_compressed = superblock.has(feature::compression) && bytes >= 36 &&
                               (out.flags & inode_flag::compressed) != 0 && out.type() == EntryType::file;
    if (is_compressed) {
        SALVAGE_TRY(read_compression(fields, out));
    }
    return {};
}

/// Spec: Linux, fs/f2fs/inode.c, do_read_inode.
Result<> read_attribute_room(const Fields& fields, const Superblock& superblock, Inode& out)
{
    const bool is_flexible = superblock.has(feature::flexible_inline_attributes) && out.extra_words != 0;
    if (is_flexible) {
        out.inline_attribute_words = fields.u16(addresses_at + 2);
    } else if (out.has_inline(inline_flag::attributes | inline_flag::names)) {
        out.inline_attribute_words = default_attribute_words;
    }
    if (out.inline_attribute_words + out.extra_words + 1 >= addresses_in_inode) {
        return impossible(addresses_at + 2, "i_inline_xattr_size", out.inline_attribute_words,
                          "what leaves room for addresses");
    }
    return {};
}

Result<> read_type(const Fields& fields, Inode& out)
{
    out.mode = fields.u16(0);
    out.advise = fields.u8(2);
    out.inline_flags = fields.u8(3);
    if (out.type() == EntryType::unknown) {
        return impossible(0, "i_mode", out.mode, "a known type of file");
    }
    if (out.has_inline(inline_flag::names) && !out.is_directory()) {
        return impossible(3, "i_inline", out.inline_flags, "names only in a directory");
    }
    return {};
}

} // namespace

NodeFooter parse_footer(ByteView block) noexcept
{
    const auto bytes = block.subspan(footer_at);
    return {.node = load_le<std::uint32_t>(bytes),
            .inode = load_le<std::uint32_t>(bytes.subspan(4)),
            .flags = load_le<std::uint32_t>(bytes.subspan(8)),
            .version = load_le<std::uint64_t>(bytes.subspan(12)),
            .next = load_le<std::uint32_t>(bytes.subspan(20))};
}

std::size_t Inode::own_addresses() const noexcept
{
    const auto all = addresses_in_inode - extra_words - inline_attribute_words;
    return compression ? all - all % compression->cluster_blocks() : all;
}

std::uint32_t Inode::address(std::size_t index) const noexcept
{
    return load_le<std::uint32_t>(ByteView{block}.subspan(addresses_at + 4 * (extra_words + index)));
}

ByteView Inode::inline_room() const noexcept
{
    // The first address stays free: it is zero, and tells old kernels that there is no block.
    const auto words = addresses_in_inode - extra_words - inline_attribute_words - 1;
    return ByteView{block}.subspan(addresses_at + 4 * (extra_words + 1), 4 * words);
}

ByteView Inode::inline_attributes() const noexcept
{
    if (!has_inline(inline_flag::attributes)) {
        return {};
    }
    const auto bytes = 4 * inline_attribute_words;
    return ByteView{block}.subspan(nodes_at - bytes, bytes);
}

Result<Inode> parse_inode(std::uint32_t number, Bytes block, const Superblock& superblock)
{
    const Fields fields{block};
    Inode out;
    out.number = number;
    SALVAGE_TRY(read_type(fields, out));
    out.uid = fields.u32(4);
    out.gid = fields.u32(8);
    out.links = fields.u32(12);
    out.size = fields.u64(16);
    out.accessed = time_at(fields, 32, 56);
    out.changed = time_at(fields, 40, 60);
    out.modified = time_at(fields, 48, 64);
    out.generation = fields.u32(generation_at);
    out.attributes_node = fields.u32(76);
    out.flags = fields.u32(80);
    out.parent = fields.u32(84);
    const auto name_bytes = fields.u32(88);
    if (name_bytes <= max_name_bytes) {
        out.name = as_text(fields.slice(92, name_bytes));
    }
    for (std::size_t i = 0; i < node_pointers; ++i) {
        out.nodes[i] = fields.u32(nodes_at + 4 * i);
    }
    if (out.has_inline(inline_flag::extra_fields)) {
        SALVAGE_TRY(read_extra_fields(fields, superblock, out));
    }
    SALVAGE_TRY(read_attribute_room(fields, superblock, out));
    out.block = std::move(block);
    return out;
}

Result<io::SourcePtr> inline_content(const Inode& inode)
{
    const auto room = inode.inline_room();
    if (inode.size > room.size()) {
        return malformed({}, "inline data is shorter than the file",
                         fmt::format("inode {} has {} of {} bytes", inode.number, room.size(), inode.size));
    }
    const auto bytes = room.first(static_cast<std::size_t>(inode.size));
    return io::make_memory(Bytes{bytes.begin(), bytes.end()}, fmt::format("inode {}", inode.number));
}

Entry make_entry(std::string name, const Inode& inode)
{
    auto out = entry_of_inode(std::move(name), inode);
    out.device = is_device(out.type) ? device_number(inode.address(0), inode.address(1)) : 0;
    out.modified = inode.modified;
    out.accessed = inode.accessed;
    out.changed = inode.changed;
    out.created = inode.created;
    out.is_encrypted = inode.is_encrypted();
    return out;
}

} // namespace salvage::filesystem::f2fs
