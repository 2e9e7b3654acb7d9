// Where a device's partitions are, by the table on the device itself.
#pragma once

#include <string>
#include <vector>

#include "rescue/read_flash_engine.hpp"
#include "rescue/read_flash_file.hpp"

namespace salvage::rescue {

/// The ranges of the partitions `names` in the main region.  What is read to find them goes into the file like all
/// else. Errors: not_found (no table, no such partition: names those there are), malformed, those of the read.
[[nodiscard]] Result<std::vector<ByteRange>> find_partitions(ReadEngine& engine, const device::StorageRegion& region,
                                                             ReadbackFile& file, const StrategyLimits& limits,
                                                             const std::vector<std::string>& names);

} // namespace salvage::rescue
