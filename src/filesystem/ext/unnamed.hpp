// Inodes that no directory names: what a damaged directory held.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "salvage/core/run_context.hpp"
#include "volume.hpp"

namespace salvage::filesystem::ext {

/// More than a phone has files.
constexpr std::size_t max_unnamed = 1U << 20U;
/// Names in all directories together; beyond it nothing is called unnamed.  64 MiB.
constexpr std::size_t max_names_of_all = 1U << 24U;
/// On opening so many directories are read, from the root down, to see whether one of them is damaged.
constexpr std::size_t directories_looked_at = 128;

/// And so many of their blocks; of a search all directories together no more than the volume has, and these.
constexpr std::uint64_t blocks_looked_at = 4096;
constexpr std::uint64_t max_blocks_of_directories = 1U << 22U;

/// True where something that names files may be missing: the root, a directory near it, superblock or group
/// descriptors, a part of the volume that cannot be read, a journal that could not be replayed, a mark of the kernel's.
/// Reads 4096 blocks and the inodes of 128 directories at most.
[[nodiscard]] bool may_lack_names(const Volume& volume);

/// Inodes in use that no readable directory names, without those below another of them: files, links, and folders with
/// what they hold.  In order.  With checksums only inodes that pass theirs, without them only such as make sense.
/// Reads all inodes and all directories.  Memory: 4 bytes an inode, 4 a name, 8 a folder.
/// Errors: io, cancelled, unsupported (limits).
[[nodiscard]] Result<std::vector<std::uint32_t>> find_unnamed(const Volume& volume, const RunContext& context);

/// Where they are shown: in the volume's own lost+found, else in a folder of that name that only we know of.
struct LostFound {
    std::uint64_t folder{0}; ///< inode number; 0: there is no such folder
    bool is_ours{false};     ///< no inode has that number
    std::vector<std::uint32_t> inodes;
};
/// Looks for them where names may be missing, and says so in the volume's findings.
/// Errors: io; where the root directory is lost, that, unless there are directories that prove the filesystem.
[[nodiscard]] Result<LostFound> open_lost_found(Volume& volume);

/// "#123", as e2fsck would call it.
[[nodiscard]] std::string name_of_unnamed(std::uint32_t inode);

} // namespace salvage::filesystem::ext
