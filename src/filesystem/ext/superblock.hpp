// The superblock of ext2, ext3 and ext4: bytes to a value that can be trusted, and where its backups lie.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/units.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::filesystem::ext {

constexpr ByteOffset primary_superblock_at{1024};
constexpr ByteCount superblock_bytes{1024};
constexpr std::uint32_t root_inode = 2;

/// Descriptors of 64 bytes for so many groups are 64 MiB; with blocks of 4096 bytes that is a volume of 128 TiB.
constexpr std::uint64_t max_groups = 1U << 20U;

namespace feature {
// compat
constexpr std::uint32_t has_journal = 0x4;
constexpr std::uint32_t orphan_file = 0x1000;
// incompat
constexpr std::uint32_t filetype = 0x2;
constexpr std::uint32_t needs_recovery = 0x4;
constexpr std::uint32_t journal_device = 0x8;
constexpr std::uint32_t has_64bit = 0x80;
constexpr std::uint32_t checksum_seed = 0x2000;
constexpr std::uint32_t largedir = 0x4000;
// ro_compat
constexpr std::uint32_t bigalloc = 0x200;
constexpr std::uint32_t metadata_csum = 0x400;
} // namespace feature

/// A superblock whose numbers agree with each other.  Counts of blocks and inodes; sizes in bytes.
struct Superblock {
    std::uint32_t block_bytes{};
    std::uint64_t blocks{};
    std::uint32_t first_block{};
    std::uint32_t blocks_per_group{};
    std::uint32_t inodes_per_group{};
    std::uint32_t inodes{};
    std::uint32_t inode_bytes{};
    std::uint32_t groups{};
    std::uint32_t compat{};
    std::uint32_t incompat{};
    std::uint32_t ro_compat{};
    std::uint16_t state{};
    std::uint16_t group_of_this_copy{};
    std::string label;
    std::uint32_t first_inode{11};       ///< those below are the filesystem's own
    std::uint32_t blocks_per_cluster{1}; ///< one bit of a block bitmap stands for so many; with bigalloc
    std::uint32_t checksum_seed{};       ///< of the checksums of metadata_csum
    std::uint32_t first_orphan{};        ///< head of the list of inodes that were deleted while open; 0: none
    std::uint32_t orphan_file{};         ///< inode of the file that lists them; 0: there is none
    std::uint32_t journal_inode{};
    /// i_block and size of the journal's inode, kept here in case the inode is lost.
    std::optional<std::array<std::byte, 68>> journal_inode_copy;

    /// Bytes of the whole filesystem; fits in 63 bits.
    [[nodiscard]] ByteCount size() const noexcept { return ByteCount{blocks * block_bytes}; }
    [[nodiscard]] bool has_compat(std::uint32_t bit) const noexcept { return (compat & bit) != 0; }
    [[nodiscard]] bool has_incompat(std::uint32_t bit) const noexcept { return (incompat & bit) != 0; }
    [[nodiscard]] bool has_ro_compat(std::uint32_t bit) const noexcept { return (ro_compat & bit) != 0; }
    [[nodiscard]] bool has_checksums() const noexcept { return has_ro_compat(feature::metadata_csum); }
    /// "ext2", "ext3", "ext4", by the features that are used.
    [[nodiscard]] std::string_view kind() const noexcept;
};

[[nodiscard]] bool has_ext_magic(ByteView superblock) noexcept;

/// `superblock` has 1024 bytes.
/// Errors: truncated; malformed (where = offset of the field); unsupported (features, journal device: named).
/// Spec: Linux, Documentation/filesystems/ext4/super.rst.
[[nodiscard]] Result<Superblock> parse_superblock(ByteView superblock);

/// A backup superblock that was found where one belongs.
struct Backup {
    std::uint32_t group{};
    std::uint64_t block{};
    ByteOffset at;
    Superblock superblock;
};
/// Backups at the places of all usual block sizes that parse and name the group they lie in.  What cannot be read is
/// passed over.  Reads some fifty kilobytes.
[[nodiscard]] std::vector<Backup> find_backups(const io::ByteSource& source);

} // namespace salvage::filesystem::ext
