// CRC-32 as GPT uses it (IEEE 802.3, reflected).  UEFI 2.10 §5.3.2.
#pragma once

#include <cstdint>

#include "salvage/core/bytes.hpp"

namespace salvage::partition {

[[nodiscard]] std::uint32_t crc32(ByteView bytes) noexcept;

} // namespace salvage::partition
