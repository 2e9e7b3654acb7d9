// What makes bytes a superblock: evidence in bits, so that a damaged one still counts and noise does not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "salvage/core/bytes.hpp"
#include "salvage/core/units.hpp"

namespace salvage::fde {

/// How surely some bytes are a superblock.  A field that holds one of the few values it may hold counts for as many
/// bits as random bytes would have had to guess; a field that does not counts for nothing.
struct Evidence {
    std::string_view filesystem; ///< "ext4", "f2fs", …; empty where nothing was judged
    unsigned bits{};
    unsigned sane_fields{};
    unsigned checked_fields{};
    bool has_magic{};
    std::optional<bool> is_checksum_right; ///< nothing: there is none, or not all of its bytes are there
    ByteCount size{};                      ///< of the filesystem, as it says
    std::uint64_t block_bytes{};
    std::uint64_t group_table{}; ///< ext: byte offset of the first group descriptor
    std::string label;
    bool has_encrypt_feature{};

    [[nodiscard]] bool is_whole() const noexcept
    {
        return has_magic && sane_fields == checked_fields && is_checksum_right.value_or(true);
    }
};

/// More than any wrong key reaches: with 16 places, 4 keys a guess and 18 mappings, 2^-62 a guess remain.
inline constexpr unsigned proof_bits = 72;

/// Where superblocks lie.
inline constexpr std::uint64_t superblock_at = 1024;
inline constexpr std::uint64_t f2fs_second_at = 4096 + 1024;

/// `bytes` begin at the superblock; 512 of them are enough, 1024 have the checksum.  `volume`: bytes it may cover,
/// where known.  `group`: of a backup.  Spec: Linux, Documentation/filesystems/ext4/super.rst.
[[nodiscard]] Evidence judge_ext(ByteView bytes, std::optional<ByteCount> volume, unsigned group = 0);
/// 512 bytes are enough, 3072 have the checksum and features.  Spec: Linux, include/linux/f2fs_fs.h.
[[nodiscard]] Evidence judge_f2fs(ByteView bytes, std::optional<ByteCount> volume);
/// `bytes` are the boot sector's 512.  Spec: Microsoft, FAT32 File System Specification.
[[nodiscard]] Evidence judge_fat(ByteView bytes, std::optional<ByteCount> volume);

} // namespace salvage::fde
