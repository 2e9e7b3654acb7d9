// Which regions of a device are read, and what of them.
#pragma once

#include <string>
#include <vector>

#include "salvage/device/flash.hpp"
#include "salvage/rescue/read_flash.hpp"

namespace salvage::rescue {

struct ReadPlan {
    std::vector<device::StorageRegion> regions; ///< in the order they are read
    std::string main_region;                    ///< whose file has the name that was given
    std::vector<std::string> not_read;          ///< the others, each with what it is
};

/// Errors: not_found (no such region: names those there are; or the device has none), invalid_argument (a range
/// together with other regions).
[[nodiscard]] Result<ReadPlan> plan_read(const device::StorageInfo& storage, const ReadOptions& options);

/// `range` widened to whole sectors.  Errors: invalid_argument (it ends beyond the region, or is empty).
[[nodiscard]] Result<ByteRange> sectors_of(ByteRange range, const device::StorageRegion& region, ByteCount sector);

} // namespace salvage::rescue
