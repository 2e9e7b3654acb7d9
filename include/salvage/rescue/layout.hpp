// One layout of several files: dumps, tables, scatter files, fstab.
#pragma once

#include <filesystem>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/partition/layout.hpp"

namespace salvage::rescue {

/// Reads every file and reconciles what they say.  A file that is large enough to be a dump gives the size of the flash.
/// Errors: those of partition::read_tables, with the file named.
[[nodiscard]] Result<partition::Layout> read_layout(const std::vector<std::filesystem::path>& files);

} // namespace salvage::rescue
