// Checksums of metadata_csum: whether a block or an inode is what was written.
#pragma once

#include <cstdint>
#include <optional>

#include "salvage/core/bytes.hpp"
#include "superblock.hpp"

namespace salvage::filesystem::ext {

/// Two checksums of one thing.
struct ChecksumPair {
    std::uint32_t stored{};
    std::uint32_t computed{};
    [[nodiscard]] bool agree() const noexcept { return stored == computed; }
};

/// What the checksums of an inode and of all that belongs to it start with.
/// Spec: Linux, Documentation/filesystems/ext4/checksums.rst.
[[nodiscard]] std::uint32_t checksum_seed_of(const Superblock& superblock, std::uint32_t inode,
                                             std::uint32_t generation) noexcept;

/// Of an inode of 128 bytes or more.
[[nodiscard]] ChecksumPair inode_checksums(const Superblock& superblock, std::uint32_t number, ByteView bytes) noexcept;

/// Of a node of an extent tree in a block of its own; nothing where it has no room for one.
[[nodiscard]] std::optional<ChecksumPair> extent_checksums(std::uint32_t seed, ByteView block) noexcept;

/// Of a block of a directory, leaf or index; nothing where the block has none.
[[nodiscard]] std::optional<ChecksumPair> directory_checksums(std::uint32_t seed, ByteView block) noexcept;

/// Of a block of extended attributes.
[[nodiscard]] ChecksumPair attribute_checksums(const Superblock& superblock, std::uint64_t at, ByteView block) noexcept;

/// Of `bitmap`, against what a group descriptor says of it; without the 64-bit descriptors half of it is kept.
[[nodiscard]] ChecksumPair bitmap_checksums(const Superblock& superblock, ByteView bitmap,
                                            std::uint32_t stored) noexcept;

/// "found 12345678, computed 9abcdef0"
[[nodiscard]] std::string in_words(const ChecksumPair& pair);

} // namespace salvage::filesystem::ext
