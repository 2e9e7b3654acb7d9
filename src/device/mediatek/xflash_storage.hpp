// What XFlash agents say of the flash.  Hostile bytes in, values out.
#pragma once

#include <cstdint>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/device/flash.hpp"

namespace salvage::device::xflash {

/// Answer to GET_EMMC_INFO.  Kind unknown where there is no eMMC.  Errors: truncated, malformed (impossible sizes).
[[nodiscard]] Result<StorageInfo> parse_emmc_info(ByteView answer);
/// Answer to GET_UFS_INFO.  Kind unknown where there is no UFS.  Errors: as above.
[[nodiscard]] Result<StorageInfo> parse_ufs_info(ByteView answer);
/// Answer to GET_RAM_INFO: 24 or 48 bytes.  Others are passed over: nothing depends on them.
void add_ram_info(ByteView answer, StorageInfo& info);

struct PacketLengths {
    std::uint32_t write{};
    std::uint32_t read{};
};
/// Answer to GET_PACKET_LENGTH.  Errors: truncated, malformed (0, or more than `max_packet_bytes`).
[[nodiscard]] Result<PacketLengths> parse_packet_lengths(ByteView answer);
/// Agents use 64 KiB to 2 MiB.
constexpr std::uint32_t max_packet_bytes = 4U << 20U;

} // namespace salvage::device::xflash
