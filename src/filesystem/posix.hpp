// What filesystems share: those of Linux modes, device numbers and kinds of directory entries; all how they answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "salvage/filesystem/filesystem.hpp"

namespace salvage::filesystem {

/// From the upper four bits of st_mode.
[[nodiscard]] EntryType entry_type_of_mode(std::uint32_t mode) noexcept;
/// From the file type byte of a directory entry: ext2, f2fs and EROFS have the same numbers.
[[nodiscard]] EntryType entry_type_of(std::uint8_t directory_file_type) noexcept;

[[nodiscard]] constexpr bool is_device(EntryType type) noexcept
{
    return type == EntryType::character_device || type == EntryType::block_device;
}

/// Entry::device of a device number with 12 bits of major and 20 of minor.  Spec: Linux, include/linux/kdev_t.h,
/// new_decode_dev.
[[nodiscard]] std::uint64_t device_number(std::uint32_t word) noexcept;
/// The same where an inode keeps two words: the form of Linux 2.4, 8 bits each, and where that is 0 the wide one.
[[nodiscard]] std::uint64_t device_number(std::uint32_t old_form, std::uint32_t wide_form) noexcept;

/// The entry of an inode but for device, times and flags.
template <typename Inode>
[[nodiscard]] Entry entry_of_inode(std::string name, const Inode& inode)
{
    Entry out;
    out.name = std::move(name);
    out.inode = inode.number;
    out.type = inode.type();
    out.size = ByteCount{inode.size};
    out.mode = inode.mode & 07777U;
    out.uid = inode.uid;
    out.gid = inode.gid;
    out.links = inode.links;
    return out;
}

/// invalid_argument unless inode `number` is what is asked for: a directory to list, a link to follow, a file to open.
[[nodiscard]] Result<> check_type(EntryType wanted, EntryType found, std::uint64_t number);

/// The answer of FileSystem::list: the entries, or the damage with the entries in `read_so_far`.
[[nodiscard]] Result<std::vector<Entry>> listing(std::uint64_t directory, std::vector<Entry> entries,
                                                 std::optional<Error> damage, std::vector<Entry>* read_so_far);

} // namespace salvage::filesystem
