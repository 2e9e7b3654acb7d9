// Files that were deleted from an NTFS, by the records that are still there.
#pragma once

#include <vector>

#include "salvage/core/run_context.hpp"
#include "salvage/filesystem/filesystem.hpp"
#include "volume.hpp"

namespace salvage::filesystem::ntfs {

/// Every record that is not in use any more and still has a name.  Reads the whole table.
/// Errors: as Volume::free_clusters, cancelled, io.
[[nodiscard]] Result<std::vector<DeletedFile>> find_deleted(const Volume& volume, const RunContext& context);

/// A file as the house has it; `stream` 0 is its content, others are its named streams, counted from 1.
[[nodiscard]] Entry entry_of(const File& file, std::string name, std::uint64_t stream);

/// Named streams of data, in the order of their records.
[[nodiscard]] std::vector<const Attribute*> named_streams(const File& file);

} // namespace salvage::filesystem::ntfs
