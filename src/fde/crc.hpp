// The two checksums of superblocks.
#pragma once

#include <cstdint>

#include "salvage/core/bytes.hpp"

namespace salvage::fde {

/// CRC-32C (Castagnoli), all ones before, not inverted after: as ext4 stores it.  Linux, fs/ext4/super.c.
[[nodiscard]] std::uint32_t crc32c(ByteView bytes) noexcept;
/// CRC-32 of Ethernet, seeded, not inverted after.  Linux, fs/f2fs/f2fs.h, f2fs_crc32.
[[nodiscard]] std::uint32_t f2fs_crc32(std::uint32_t seed, ByteView bytes) noexcept;

} // namespace salvage::fde
