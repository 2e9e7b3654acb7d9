// One layout of several files: dumps, tables, scatter files, fstab.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/partition/layout.hpp"

namespace salvage::rescue {

/// Reads every file and reconciles what they say.  A file that is large enough to be a dump gives the size of the
/// flash. Errors: those of partition::read_tables, with the file named.
[[nodiscard]] Result<partition::Layout> read_layout(const std::vector<std::filesystem::path>& files);

/// An offset of the user area, and the partition that holds it.
struct NamedOffset {
    ByteOffset offset;
    std::string partition; ///< empty where none holds it
    ByteCount within;      ///< from the partition's start
};

/// Offsets as people give them, named by a layout.
struct NamedOffsets {
    partition::Layout layout;
    std::vector<NamedOffset> offsets;
};

/// Errors: invalid_argument, for a text that is neither a number nor a name of the layout.
[[nodiscard]] Result<NamedOffsets> name_offsets(partition::Layout layout, const std::vector<std::string>& texts);

} // namespace salvage::rescue
