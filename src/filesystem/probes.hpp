// What each format of the box answers when it is asked whether a source is its own.
#pragma once

#include <memory>

#include "salvage/filesystem/filesystem.hpp"

namespace salvage::filesystem {

/// An open filesystem, or null where the source is not of this format.
/// Errors: it is of this format and cannot be opened; io.
using ProbeResult = Result<std::unique_ptr<const FileSystem>>;

/// By the superblock in its place, whole or damaged.
[[nodiscard]] ProbeResult probe_ext(const io::SourcePtr& source);
/// By backup superblocks alone.  To be asked last: they survive when another filesystem is made over an old one.
[[nodiscard]] ProbeResult probe_ext_by_backups(const io::SourcePtr& source);
/// By the first superblock, which may be damaged behind its magic.
[[nodiscard]] ProbeResult probe_f2fs(const io::SourcePtr& source);
/// By the second superblock alone.  To be asked late, as the backups of ext.
[[nodiscard]] ProbeResult probe_f2fs_by_copy(const io::SourcePtr& source);
/// By the superblock, of which there is only one.
[[nodiscard]] ProbeResult probe_erofs(const io::SourcePtr& source);
/// FAT12, FAT16, FAT32 and exFAT, by the boot sector; where that is damaged, by its backup.
[[nodiscard]] ProbeResult probe_fat(const io::SourcePtr& source);
/// FAT32 and exFAT by the backup of the boot sector alone.  To be asked late, as the backups of ext.
[[nodiscard]] ProbeResult probe_fat_by_backup(const io::SourcePtr& source);
/// NTFS, by the boot sector; where that is damaged, by its copy at the end.
[[nodiscard]] ProbeResult probe_ntfs(const io::SourcePtr& source);
/// NTFS by the copy of the boot sector alone.  To be asked late.
[[nodiscard]] ProbeResult probe_ntfs_by_copy(const io::SourcePtr& source);
/// SquashFS: recognised, and refused by name.
[[nodiscard]] ProbeResult probe_unsupported(const io::SourcePtr& source);

} // namespace salvage::filesystem
