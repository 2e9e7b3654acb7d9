// What a legacy agent's second stage says of the flash.
#pragma once

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/device/flash.hpp"

namespace salvage::device::legacy {

/// `emmc` has emmc_info_bytes.  Kind unknown where there is no eMMC.  Errors: truncated, malformed (impossible sizes).
[[nodiscard]] Result<StorageInfo> parse_emmc_info(ByteView emmc);
/// `ram` has ram_info_bytes.  Errors: truncated.
[[nodiscard]] Result<> add_ram_info(ByteView ram, StorageInfo& info);
/// The CID is told in two words, each back to front; the same is its own undoing.
[[nodiscard]] Bytes turn_cid(ByteView cid);

} // namespace salvage::device::legacy
