// Deleted files of f2fs, and the room that belongs to none.
#pragma once

#include <memory>
#include <vector>

#include "salvage/filesystem/filesystem.hpp"
#include "volume.hpp"

namespace salvage::filesystem::f2fs {

/// As FileSystem::deleted_files.  Three kinds: inodes whose old nodes still stand in free blocks, each life once by its
/// newest version; inodes that the checkpoint lists as deleted while they were open; and names in emptied slots of
/// directories of which nothing else is left.
///
/// Time: reads all directories and inodes of directories, a block of summaries for each segment, and the free blocks of
/// segments that held nodes; for each deleted file its nodes, and the tables of each of its blocks.  Memory: 40 bytes
/// an old node, 200 a deleted file; contents are looked for when they are read.
[[nodiscard]] Result<std::vector<DeletedFile>> find_deleted(std::shared_ptr<const Volume> volume,
                                                            const RunContext& context);

/// Free blocks of the main area, by the table of segments, without those that were synced after the checkpoint.  A
/// segment whose entry is damaged is left out.  Errors: malformed (all are).
[[nodiscard]] Result<std::vector<ByteRange>> find_unused(const Volume& volume);

} // namespace salvage::filesystem::f2fs
