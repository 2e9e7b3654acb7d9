// Deleted files of an ext volume, from inode table, directories and journal.
#pragma once

#include <vector>

#include "salvage/core/run_context.hpp"
#include "salvage/filesystem/filesystem.hpp"
#include "volume.hpp"

namespace salvage::filesystem::ext {

/// What a deleted inode with neither name nor content says of itself is left out.  Content refers to `volume.source`.
/// Memory: some 300 bytes a deleted file, and 32 bytes a piece of its content.
/// Errors: io, cancelled.
[[nodiscard]] Result<std::vector<DeletedFile>> find_deleted(const Volume& volume, const RunContext& context);

} // namespace salvage::filesystem::ext
