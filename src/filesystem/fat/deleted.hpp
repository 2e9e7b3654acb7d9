// Files that were deleted from a FAT or exFAT, by the entries that are still there.
#pragma once

#include <vector>

#include "salvage/core/run_context.hpp"
#include "salvage/filesystem/filesystem.hpp"
#include "volume.hpp"

namespace salvage::filesystem::fat {

/// Entries marked as deleted in live folders, in deleted folders, and in free clusters that are a folder without a
/// name. Of a FAT the chain of a deleted file is gone: its clusters are taken to follow each other.  An exFAT keeps the
/// chain, or says that there was none.  Entries whose first cluster a live file has are former names of that file: left
/// out. Reads the first sector of each free cluster.  Errors: as Volume::allocation, cancelled, io.
[[nodiscard]] Result<std::vector<DeletedFile>> find_deleted(const Volume& volume, const RunContext& context);

/// An entry of the volume as the house has it.
[[nodiscard]] Entry entry_of(const Record& record, std::string name);

} // namespace salvage::filesystem::fat
