// Superblocks of what Android puts on userdata.
//
// Bytes 0 to 15 of a sector hang on its IV under CBC, the rest does not.  In all three formats the rest alone reaches
// proof_bits, so that a key is proven before its IV rule is known.
#include "fde/superblock.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "fde/crc.hpp"

namespace salvage::fde {
namespace {

constexpr std::size_t least_bytes = 512;

template <std::unsigned_integral T>
T field(ByteView bytes, std::size_t at)
{
    return load_le<T>(bytes.subspan(at, sizeof(T)));
}

void tally(Evidence& evidence, bool is_sane, unsigned bits)
{
    ++evidence.checked_fields;
    if (is_sane) {
        ++evidence.sane_fields;
        evidence.bits += bits;
    }
}

/// Bits that a number of `width` bits, known to be at most `limit`, is worth.
unsigned bits_of_limit(unsigned width, std::uint64_t limit)
{
    const auto used = static_cast<unsigned>(std::bit_width(limit));
    return used >= width ? 0 : width - used;
}

/// The count of blocks against what the volume can hold.  A volume of unknown size allows any number.
void tally_size(Evidence& evidence, std::uint64_t blocks, std::optional<ByteCount> volume)
{
    const auto size = checked_multiply(blocks, evidence.block_bytes);
    evidence.size = ByteCount{size.value_or(0)};
    if (volume && evidence.block_bytes != 0) {
        tally(evidence, blocks != 0 && size && *size <= volume->value,
              bits_of_limit(32, volume->value / evidence.block_bytes));
    }
}

std::string text_until_nul(ByteView bytes)
{
    const auto text = as_text(bytes);
    return std::string{text.substr(0, text.find('\0'))};
}

namespace ext {
constexpr std::uint32_t compat_has_journal = 0x4;
constexpr std::uint32_t incompat_64bit = 0x80;
constexpr std::uint32_t incompat_encrypt = 0x10000;
constexpr std::uint32_t ro_compat_metadata_csum = 0x400;
/// Any of these makes it an ext4: extents, 64bit, mmp, flex_bg, ea_inode, csum_seed, largedir, inline_data, encrypt,
/// casefold.
constexpr std::uint32_t incompat_of_ext4 = 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000 | 0x8000 | 0x30000;
/// huge_file, gdt_csum, dir_nlink, extra_isize, quota, bigalloc, metadata_csum, read-only, project, verity.
constexpr std::uint32_t ro_compat_of_ext4 = 0x8 | 0x10 | 0x20 | 0x40 | 0x100 | 0x200 | 0x400 | 0x1000 | 0x2000 | 0x8000;
constexpr std::size_t checksum_at = 0x3FC;
} // namespace ext

std::string_view ext_name(ByteView bytes)
{
    const auto incompat = field<std::uint32_t>(bytes, 0x60);
    const auto ro_compat = field<std::uint32_t>(bytes, 0x64);
    if ((incompat & ext::incompat_of_ext4) != 0 || (ro_compat & ext::ro_compat_of_ext4) != 0) {
        return "ext4";
    }
    return (field<std::uint32_t>(bytes, 0x5C) & ext::compat_has_journal) != 0 ? "ext3" : "ext2";
}

/// Fields that do not hang on the IV, apart from the magic.
void tally_ext_fixed(Evidence& evidence, ByteView bytes, unsigned group)
{
    const auto log_block = field<std::uint32_t>(bytes, 0x18);
    const auto first_block = field<std::uint32_t>(bytes, 0x14);
    const auto blocks_per_group = field<std::uint32_t>(bytes, 0x20);
    const auto inodes_per_group = field<std::uint32_t>(bytes, 0x28);
    const auto inode_bytes = field<std::uint16_t>(bytes, 0x58);
    const auto errors = field<std::uint16_t>(bytes, 0x3C);
    const bool is_block_size = log_block <= 6;
    tally(evidence, is_block_size, 29);
    evidence.block_bytes = is_block_size ? 1024ULL << log_block : 0;
    tally(evidence, first_block == 0 || (first_block == 1 && log_block == 0), 31);
    const auto most = 8 * evidence.block_bytes; // one bitmap block
    const auto group_bits = is_block_size ? bits_of_limit(32, most) : 0;
    tally(evidence, blocks_per_group != 0 && blocks_per_group % 8 == 0 && blocks_per_group <= most, group_bits);
    tally(evidence, inodes_per_group != 0 && inodes_per_group <= most, group_bits);
    tally(evidence, field<std::uint16_t>(bytes, 0x3A) < 8, 13);      // s_state
    tally(evidence, errors <= 3, 14);                                // s_errors
    tally(evidence, field<std::uint32_t>(bytes, 0x48) <= 4, 29);     // s_creator_os
    tally(evidence, field<std::uint32_t>(bytes, 0x4C) <= 1, 31);     // s_rev_level
    tally(evidence, field<std::uint16_t>(bytes, 0x5A) == group, 16); // s_block_group_nr
    tally(evidence, inode_bytes == 0 || (std::has_single_bit(inode_bytes) && inode_bytes >= 128), 12);
}

/// Fields of the first 16 bytes.
void tally_ext_counts(Evidence& evidence, ByteView bytes, std::optional<ByteCount> volume)
{
    const auto inodes = field<std::uint32_t>(bytes, 0x00);
    const auto inodes_per_group = field<std::uint32_t>(bytes, 0x28);
    std::uint64_t blocks = field<std::uint32_t>(bytes, 0x04);
    std::uint64_t free_blocks = field<std::uint32_t>(bytes, 0x0C);
    if ((field<std::uint32_t>(bytes, 0x60) & ext::incompat_64bit) != 0) {
        blocks |= std::uint64_t{field<std::uint32_t>(bytes, 0x150)} << 32U;
        free_blocks |= std::uint64_t{field<std::uint32_t>(bytes, 0x158)} << 32U;
    }
    const bool is_multiple = inodes_per_group != 0 && inodes != 0 && inodes % inodes_per_group == 0;
    tally(evidence, is_multiple, static_cast<unsigned>(std::bit_width(inodes_per_group)) / 2);
    tally(evidence, free_blocks <= blocks, 1);
    tally_size(evidence, blocks, volume);
}

void check_ext_checksum(Evidence& evidence, ByteView bytes)
{
    const bool has_one = (field<std::uint32_t>(bytes, 0x64) & ext::ro_compat_metadata_csum) != 0;
    if (has_one && bytes.size() >= superblock_at) {
        evidence.is_checksum_right =
            crc32c(bytes.first(ext::checksum_at)) == field<std::uint32_t>(bytes, ext::checksum_at);
        evidence.bits += *evidence.is_checksum_right ? 32U : 0U;
    }
}

} // namespace

Evidence judge_ext(ByteView bytes, std::optional<ByteCount> volume, unsigned group)
{
    Evidence out;
    if (bytes.size() < least_bytes) {
        return out;
    }
    out.filesystem = ext_name(bytes);
    out.has_magic = field<std::uint16_t>(bytes, 0x38) == 0xEF53;
    if (!out.has_magic) {
        return out; // 2^16 cheaper than the rest, and a superblock without it is opened by nobody
    }
    tally(out, true, 16);
    tally_ext_fixed(out, bytes, group);
    tally_ext_counts(out, bytes, volume);
    check_ext_checksum(out, bytes);
    out.group_table = (std::uint64_t{field<std::uint32_t>(bytes, 0x14) & 1U} + 1) * out.block_bytes;
    out.label = text_until_nul(bytes.subspan(0x78, 16));
    out.has_encrypt_feature = (field<std::uint32_t>(bytes, 0x60) & ext::incompat_encrypt) != 0;
    return out;
}

Evidence judge_f2fs(ByteView bytes, std::optional<ByteCount> volume)
{
    constexpr std::uint32_t magic = 0xF2F52010;
    constexpr std::size_t feature_at = 0x884;
    constexpr std::uint32_t feature_encrypt = 0x1;
    constexpr std::uint32_t feature_checksum = 0x800;
    Evidence out;
    if (bytes.size() < least_bytes) {
        return out;
    }
    const auto log_block = field<std::uint32_t>(bytes, 0x10);
    out.filesystem = "f2fs";
    out.has_magic = field<std::uint32_t>(bytes, 0x00) == magic;
    // What hangs on the IV.
    tally(out, out.has_magic, 32);
    tally(out, field<std::uint16_t>(bytes, 0x04) == 1, 16); // major version
    const auto log_sector = field<std::uint32_t>(bytes, 0x08);
    tally(out, log_sector >= 9 && log_sector <= 14 && log_sector + field<std::uint32_t>(bytes, 0x0C) == log_block, 58);
    // What does not.
    const bool is_block_size = log_block >= 12 && log_block <= 14;
    tally(out, is_block_size, 30);
    out.block_bytes = is_block_size ? 1ULL << log_block : 0;
    tally(out, field<std::uint32_t>(bytes, 0x14) == 9, 32); // blocks in a segment: always 512
    const auto segments = field<std::uint32_t>(bytes, 0x18);
    const auto sections = field<std::uint32_t>(bytes, 0x1C);
    tally(out, segments != 0 && segments <= 0xFFFF, 16);
    tally(out, sections != 0 && sections <= 0xFFFF, 16);
    tally(out, field<std::uint32_t>(bytes, 0x60) == 3, 32); // root inode
    tally(out, field<std::uint32_t>(bytes, 0x64) == 1, 32); // node inode
    tally(out, field<std::uint32_t>(bytes, 0x68) == 2, 32); // meta inode
    tally_size(out, field<std::uint64_t>(bytes, 0x24), volume);
    if (bytes.size() >= feature_at + 4 && out.has_magic) {
        const auto features = field<std::uint32_t>(bytes, feature_at);
        out.has_encrypt_feature = (features & feature_encrypt) != 0;
        const auto checksum_at = field<std::uint32_t>(bytes, 0x20);
        if ((features & feature_checksum) != 0 && checksum_at <= bytes.size() - 4) {
            out.is_checksum_right =
                f2fs_crc32(magic, bytes.first(checksum_at)) == field<std::uint32_t>(bytes, checksum_at);
            out.bits += *out.is_checksum_right ? 32U : 0U;
        }
    }
    return out;
}

Evidence judge_fat(ByteView bytes, std::optional<ByteCount> volume)
{
    Evidence out;
    if (bytes.size() < least_bytes) {
        return out;
    }
    const auto jump = std::to_integer<unsigned>(bytes[0]);
    const auto sector_bytes = field<std::uint16_t>(bytes, 0x0B);
    const auto cluster = field<std::uint8_t>(bytes, 0x0D);
    const auto tables = field<std::uint8_t>(bytes, 0x10);
    const auto media = field<std::uint8_t>(bytes, 0x15);
    const bool is_fat32 = as_text(bytes.subspan(0x52, 8)) == "FAT32   ";
    const bool is_fat16 = as_text(bytes.subspan(0x36, 5)) == "FAT16" || as_text(bytes.subspan(0x36, 5)) == "FAT12";
    out.filesystem = "fat";
    out.has_magic = field<std::uint16_t>(bytes, 0x1FE) == 0xAA55 && (is_fat32 || is_fat16);
    // What hangs on the IV.
    tally(out, jump == 0xEB || jump == 0xE9, 7);
    tally(out, std::has_single_bit(sector_bytes) && sector_bytes >= 512 && sector_bytes <= 4096, 14);
    tally(out, std::has_single_bit(cluster), 5);
    // What does not.
    tally(out, field<std::uint16_t>(bytes, 0x1FE) == 0xAA55, 16);
    tally(out, tables == 1 || tables == 2, 7);
    tally(out, media == 0xF0 || media >= 0xF8, 4);
    tally(out, is_fat32 || is_fat16, is_fat32 ? 63 : 39);
    tally(out, field<std::uint8_t>(bytes, is_fat32 ? 0x42 : 0x26) == 0x29, 8); // extended boot signature
    const auto small = field<std::uint16_t>(bytes, 0x13);
    out.block_bytes = sector_bytes;
    tally_size(out, small != 0 ? small : field<std::uint32_t>(bytes, 0x20), volume);
    out.label = text_until_nul(bytes.subspan(is_fat32 ? 0x47 : 0x2B, 11));
    out.label.erase(out.label.find_last_not_of(' ') + 1);
    return out;
}

} // namespace salvage::fde
