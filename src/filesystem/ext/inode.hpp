// An inode of ext2, ext3 and ext4: bytes to a value.
#pragma once

#include <array>
#include <cstdint>

#include "filesystem/posix.hpp"
#include "salvage/core/bytes.hpp"
#include "salvage/filesystem/filesystem.hpp"

namespace salvage::filesystem::ext {

namespace inode_flag {
constexpr std::uint32_t encrypt = 0x800;
constexpr std::uint32_t extents = 0x80000;
constexpr std::uint32_t ea_inode = 0x200000;
constexpr std::uint32_t inline_data = 0x10000000;
} // namespace inode_flag

struct Inode {
    std::uint32_t number{};
    std::uint32_t generation{}; ///< another one each time that the number is given to a new file
    std::uint16_t mode{};
    std::uint32_t uid{};
    std::uint32_t gid{};
    std::uint16_t links{};
    std::uint64_t size{};
    std::uint32_t flags{};
    std::uint64_t attributes_block{};  ///< i_file_acl; 0: none
    std::array<std::byte, 60> block{}; ///< i_block: extents, block numbers, inline data or a short link
    Timestamp accessed;
    Timestamp changed;
    Timestamp modified;
    std::optional<Timestamp> created;
    std::uint32_t deleted{}; ///< i_dtime: seconds; of an orphan the number of the next one; 0: lives
    bool is_doubtful{false}; ///< it fails its checksum
    Bytes rest;              ///< what follows the fixed fields: attributes that lie in the inode

    [[nodiscard]] EntryType type() const noexcept { return entry_type_of_mode(mode); }
    [[nodiscard]] bool has(std::uint32_t flag) const noexcept { return (flags & flag) != 0; }
    [[nodiscard]] bool is_in_use() const noexcept { return mode != 0; }
    /// Some directory names it; one without links is deleted, or was while it was open.
    [[nodiscard]] bool is_alive() const noexcept { return is_in_use() && links != 0; }
    [[nodiscard]] bool is_directory() const noexcept { return type() == EntryType::directory; }
};

/// `bytes` is the whole inode, 128 bytes at least.  Never fails: each bit pattern means something.
/// Spec: Linux, Documentation/filesystems/ext4/inodes.rst.
[[nodiscard]] Inode parse_inode(std::uint32_t number, ByteView bytes);

/// The entry of this inode under `name`.
[[nodiscard]] Entry make_entry(std::string name, const Inode& inode);

} // namespace salvage::filesystem::ext
