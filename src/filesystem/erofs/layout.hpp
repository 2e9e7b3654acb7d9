// Numbers and marks that every part of EROFS shares.
#pragma once

#include <cstddef>
#include <cstdint>

#include "filesystem/fields.hpp"
#include "salvage/core/bytes.hpp"
#include "salvage/core/units.hpp"

namespace salvage::filesystem::erofs {

// Linux, fs/erofs/erofs_fs.h, as all numbers below.
constexpr std::uint32_t magic = 0xE0F5E1E2;
constexpr ByteOffset superblock_at{1024};
constexpr std::size_t superblock_bytes = 128;
/// A chunk that was never written, or no first block.
constexpr std::uint32_t no_block = 0xFFFFFFFF;
/// Inodes are counted in slots of 32 bytes.
constexpr std::uint64_t slot_bytes = 32;

namespace compatible_feature {
constexpr std::uint32_t superblock_checksum = 0x1;
constexpr std::uint32_t plain_prefixes = 0x10; ///< long prefixes lie on the volume, not in the packed inode
} // namespace compatible_feature

namespace feature {
constexpr std::uint32_t leading_padding = 0x1; ///< zeros stand before compressed data, not behind it
constexpr std::uint32_t large_clusters = 0x2;
constexpr std::uint32_t chunks = 0x4;
constexpr std::uint32_t devices_or_second_head = 0x8;
constexpr std::uint32_t inline_tails = 0x10;
constexpr std::uint32_t fragments_or_dedupe = 0x20;
constexpr std::uint32_t long_prefixes = 0x40;
constexpr std::uint32_t wide_addresses = 0x80;
constexpr std::uint32_t metadata_box = 0x100;
/// Bits that are understood.
constexpr std::uint32_t all_known = 0x7F;
} // namespace feature

/// Requires: `unit` is a power of two, and the sum fits: numbers here are offsets in a volume.
[[nodiscard]] constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) noexcept
{
    return (value + unit - 1) & ~(unit - 1);
}

} // namespace salvage::filesystem::erofs
