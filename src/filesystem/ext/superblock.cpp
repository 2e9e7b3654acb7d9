// The superblock of ext2, ext3 and ext4: bytes to a value that can be trusted, and where its backups lie.
#include "superblock.hpp"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "filesystem/fields.hpp"
#include "library.hpp"

namespace salvage::filesystem::ext {
namespace {

constexpr std::uint16_t ext_magic = 0xEF53;
constexpr std::size_t magic_at = 0x38;
constexpr std::uint32_t max_log_block_size = 6; // 64 KiB, the largest that Linux and e2fsprogs know
constexpr std::uint32_t max_log_cluster_size = 20;

struct FeatureName {
    std::uint32_t bit;
    std::string_view name;
    bool is_known; ///< can be read by us
};
// Names as in dumpe2fs.  Spec: e2fsprogs, lib/e2p/feature.c.
constexpr std::array incompat_features{
    FeatureName{.bit = 0x1, .name = "compression", .is_known = false},
    FeatureName{.bit = 0x2, .name = "filetype", .is_known = true},
    FeatureName{.bit = 0x4, .name = "needs_recovery", .is_known = true},
    FeatureName{.bit = 0x8, .name = "journal_dev", .is_known = false},
    FeatureName{.bit = 0x10, .name = "meta_bg", .is_known = true},
    FeatureName{.bit = 0x40, .name = "extent", .is_known = true},
    FeatureName{.bit = 0x80, .name = "64bit", .is_known = true},
    FeatureName{.bit = 0x100, .name = "mmp", .is_known = true},
    FeatureName{.bit = 0x200, .name = "flex_bg", .is_known = true},
    FeatureName{.bit = 0x400, .name = "ea_inode", .is_known = true},
    FeatureName{.bit = 0x1000, .name = "dirdata", .is_known = false},
    FeatureName{.bit = 0x2000, .name = "metadata_csum_seed", .is_known = true},
    FeatureName{.bit = 0x4000, .name = "large_dir", .is_known = true},
    FeatureName{.bit = 0x8000, .name = "inline_data", .is_known = true},
    FeatureName{.bit = 0x10000, .name = "encrypt", .is_known = true},
    FeatureName{.bit = 0x20000, .name = "casefold", .is_known = true},
};

// What only ext4 has: everything but compression … needs_recovery, meta_bg; and all beyond sparse_super, large_file.
constexpr std::uint32_t ext4_incompat = ~0x1FU;
constexpr std::uint32_t ext4_ro_compat = ~0x7U;

bool is_dynamic(const Fields& fields) noexcept
{
    return fields.u32(0x4C) != 0; // s_rev_level
}

Error impossible(std::size_t at, std::string_view field, std::uint64_t value, std::string_view expected)
{
    return malformed(ByteOffset{at}, "the ext superblock contradicts itself",
                     fmt::format("{} is {} ({:#x}), expected {}", field, value, value, expected));
}

std::string unknown_features(std::uint32_t incompat)
{
    std::string out;
    for (std::uint32_t bit = 1; bit != 0; bit <<= 1U) {
        if ((incompat & bit) == 0) {
            continue;
        }
        const auto* const known = std::ranges::find(incompat_features, bit, &FeatureName::bit);
        if (known != incompat_features.end() && known->is_known) {
            continue;
        }
        out += out.empty() ? "" : ", ";
        out += known == incompat_features.end() ? fmt::format("unknown feature {:#x}", bit) : std::string{known->name};
    }
    return out;
}

Result<> check_features(const Fields& fields)
{
    const auto incompat = is_dynamic(fields) ? fields.u32(0x60) : 0;
    if ((incompat & feature::journal_device) != 0) {
        return unsupported("this is the external journal of an ext filesystem, not the filesystem",
                           "its superblock has the feature journal_dev", "give the volume that the journal belongs to");
    }
    if (const auto unknown = unknown_features(incompat); !unknown.empty()) {
        return unsupported("the ext filesystem uses a feature that is not known here", unknown);
    }
    return {};
}

Result<> read_block_sizes(const Fields& fields, Superblock& out)
{
    const auto log_block = fields.u32(0x18);
    if (log_block > max_log_block_size) {
        return impossible(0x18, "s_log_block_size", log_block, "at most 6");
    }
    out.block_bytes = 1024U << log_block;
    const auto log_cluster = fields.u32(0x1C);
    const bool has_clusters = (out.ro_compat & feature::bigalloc) != 0;
    if (has_clusters && (log_cluster < log_block || log_cluster > max_log_cluster_size)) {
        return impossible(0x1C, "s_log_cluster_size", log_cluster, "between that of blocks and 20");
    }
    out.blocks_per_group = fields.u32(0x20);
    out.blocks_per_cluster = has_clusters ? 1U << (log_cluster - log_block) : 1;
    const auto most = 8ULL * out.block_bytes * out.blocks_per_cluster; // one bit each in a bitmap of one block
    if (out.blocks_per_group == 0 || out.blocks_per_group > most || out.blocks_per_group % 8 != 0) {
        return impossible(0x20, "s_blocks_per_group", out.blocks_per_group,
                          fmt::format("a multiple of 8 up to {}", most));
    }
    return {};
}

Result<> read_block_counts(const Fields& fields, Superblock& out)
{
    const bool has_high = out.has_incompat(feature::has_64bit);
    out.blocks = fields.u32(0x4) | (has_high ? std::uint64_t{fields.u32(0x150)} << 32U : 0);
    out.first_block = fields.u32(0x14);
    if (out.first_block > 1 || out.blocks <= out.first_block) {
        return impossible(0x14, "s_first_data_block", out.first_block, "0 or 1 and below the number of blocks");
    }
    if (out.blocks > (1ULL << 62U) / out.block_bytes) {
        return impossible(0x4, "s_blocks_count", out.blocks, "a size of at most 4 EiB");
    }
    const auto groups = (out.blocks - out.first_block + out.blocks_per_group - 1) / out.blocks_per_group;
    if (groups > max_groups) {
        return impossible(0x4, "s_blocks_count", out.blocks, fmt::format("at most {} groups", max_groups));
    }
    out.groups = static_cast<std::uint32_t>(groups);
    return {};
}

Result<> read_inode_counts(const Fields& fields, Superblock& out)
{
    out.inode_bytes = is_dynamic(fields) ? fields.u16(0x58) : 128;
    if (!std::has_single_bit(out.inode_bytes) || out.inode_bytes < 128 || out.inode_bytes > out.block_bytes) {
        return impossible(0x58, "s_inode_size", out.inode_bytes, "a power of two from 128 to the size of a block");
    }
    out.inodes_per_group = fields.u32(0x28);
    if (out.inodes_per_group == 0 || out.inodes_per_group > 8 * out.block_bytes) {
        return impossible(0x28, "s_inodes_per_group", out.inodes_per_group,
                          fmt::format("from 1 to {}", 8 * out.block_bytes));
    }
    out.inodes = fields.u32(0);
    const auto expected = std::uint64_t{out.groups} * out.inodes_per_group;
    if (out.inodes != expected) {
        return impossible(0, "s_inodes_count", out.inodes, fmt::format("{} for {} groups", expected, out.groups));
    }
    return {};
}

Result<> check_descriptor_size(const Fields& fields, const Superblock& superblock)
{
    const auto size = fields.u16(0xFE);
    const bool is_used = superblock.has_incompat(feature::has_64bit);
    if (is_used && (!std::has_single_bit(size) || size < 64 || size > 1024)) {
        return impossible(0xFE, "s_desc_size", size, "a power of two from 64 to 1024");
    }
    const auto reserved = fields.u16(0xCE);
    if (reserved > superblock.block_bytes / 4) {
        return impossible(0xCE, "s_reserved_gdt_blocks", reserved, "at most a quarter of a block's bytes");
    }
    return {};
}

std::string label_of(const Fields& fields)
{
    const auto text = as_text(fields.slice(0x78, 16));
    return std::string{text.substr(0, text.find('\0'))};
}

void read_journal_fields(const Fields& fields, Superblock& out)
{
    out.journal_inode = out.has_compat(feature::has_journal) ? fields.u32(0xE0) : 0;
    constexpr std::uint8_t copy_of_i_block = 1; // s_jnl_backup_type
    if (fields.u8(0xFD) == copy_of_i_block) {
        std::array<std::byte, 68> copy{};
        std::ranges::copy(fields.slice(0x10C, copy.size()), copy.begin());
        out.journal_inode_copy = copy;
    }
}

void read_checksum_seed(const Fields& fields, Superblock& out)
{
    out.checksum_seed =
        out.has_incompat(feature::checksum_seed) ? fields.u32(0x270) : crc32c(~0U, fields.slice(0x68, 16)); // s_uuid
}

void read_special_inodes(const Fields& fields, Superblock& out)
{
    out.first_inode = is_dynamic(fields) ? fields.u32(0x54) : 11;
    out.first_orphan = fields.u32(0xE8);
    out.orphan_file = out.has_compat(feature::orphan_file) ? fields.u32(0x280) : 0;
}

std::optional<Backup> backup_at(const io::ByteSource& source, std::uint32_t block_bytes, std::uint32_t group)
{
    const std::uint64_t first_block = block_bytes == 1024 ? 1 : 0;
    const auto block = std::uint64_t{group} * 8 * block_bytes + first_block;
    const ByteOffset at{block * block_bytes};
    const auto bytes = io::read_bytes(source, at, superblock_bytes);
    if (!bytes.has_value() || !has_ext_magic(*bytes)) {
        return std::nullopt;
    }
    auto superblock = parse_superblock(*bytes);
    const bool belongs_here = superblock.has_value() && superblock->block_bytes == block_bytes &&
                              superblock->group_of_this_copy == group && superblock->groups > group;
    if (!belongs_here) {
        return std::nullopt;
    }
    return Backup{.group = group, .block = block, .at = at, .superblock = std::move(*superblock)};
}

} // namespace

std::string_view Superblock::kind() const noexcept
{
    if ((incompat & ext4_incompat) != 0 || (ro_compat & ext4_ro_compat) != 0) {
        return "ext4";
    }
    return has_compat(feature::has_journal) ? "ext3" : "ext2";
}

bool has_ext_magic(ByteView superblock) noexcept
{
    return superblock.size() >= magic_at + 2 && load_le<std::uint16_t>(superblock.subspan(magic_at)) == ext_magic;
}

Result<Superblock> parse_superblock(ByteView superblock)
{
    if (superblock.size() < superblock_bytes.value) {
        return truncated(ByteOffset{superblock.size()}, "the ext superblock is cut short", "it has 1024 bytes");
    }
    if (!has_ext_magic(superblock)) {
        return malformed(ByteOffset{magic_at}, "the ext superblock has no valid magic",
                         fmt::format("found {}, expected 53 EF", to_spaced_hex(superblock.subspan(magic_at, 2))));
    }
    const Fields fields{superblock};
    SALVAGE_TRY(check_features(fields));
    Superblock out;
    if (is_dynamic(fields)) {
        out.compat = fields.u32(0x5C);
        out.incompat = fields.u32(0x60);
        out.ro_compat = fields.u32(0x64);
        out.group_of_this_copy = fields.u16(0x5A);
    }
    SALVAGE_TRY(read_block_sizes(fields, out));
    SALVAGE_TRY(read_block_counts(fields, out));
    SALVAGE_TRY(read_inode_counts(fields, out));
    SALVAGE_TRY(check_descriptor_size(fields, out));
    out.state = fields.u16(0x3A);
    out.label = label_of(fields);
    read_journal_fields(fields, out);
    read_checksum_seed(fields, out);
    read_special_inodes(fields, out);
    return out;
}

std::vector<Backup> find_backups(const io::ByteSource& source)
{
    // sparse_super keeps copies in group 1 and the powers of 3, 5 and 7; mke2fs makes groups of 8 blocks for each byte
    // of a block unless it is told otherwise.
    constexpr std::array<std::uint32_t, 7> groups{1, 3, 5, 7, 9, 25, 27};
    constexpr std::array<std::uint32_t, 7> block_sizes{4096, 1024, 2048, 8192, 16384, 32768, 65536};
    std::vector<Backup> out;
    for (const auto block_bytes : block_sizes) {
        for (const auto group : groups) {
            if (auto found = backup_at(source, block_bytes, group)) {
                out.push_back(std::move(*found));
            }
        }
    }
    return out;
}

} // namespace salvage::filesystem::ext
