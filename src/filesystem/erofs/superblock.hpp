// The superblock of EROFS: bytes to a value whose numbers agree with each other.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "layout.hpp"
#include "salvage/core/result.hpp"

namespace salvage::filesystem::erofs {

struct Superblock {
    std::uint32_t compatible_features{};
    std::uint32_t features{};
    unsigned block_bits{}; ///< 9 to 16
    std::uint64_t root{};  ///< number of the root's inode, as `packed`
    std::uint64_t packed{};
    std::uint32_t blocks{};
    std::uint32_t metadata_block{};
    std::uint32_t attributes_block{};
    std::uint16_t algorithms{}; ///< bit i: algorithm i is in use
    std::uint16_t extra_devices{};
    unsigned long_prefixes{};
    std::uint64_t long_prefixes_at{}; ///< bytes
    std::uint64_t time_seconds{};     ///< of all compact inodes
    std::uint32_t time_nanoseconds{};
    std::uint32_t checksum{};
    std::array<std::byte, 16> uuid{};
    std::string label;

    [[nodiscard]] bool has(std::uint32_t bit) const noexcept { return (features & bit) != 0; }
    [[nodiscard]] bool has_checksum() const noexcept
    {
        return (compatible_features & compatible_feature::superblock_checksum) != 0;
    }
    [[nodiscard]] std::uint64_t block_bytes() const noexcept { return std::uint64_t{1} << block_bits; }
    [[nodiscard]] ByteCount size() const noexcept { return ByteCount{std::uint64_t{blocks} << block_bits}; }
    [[nodiscard]] std::uint64_t offset_of_block(std::uint64_t block) const noexcept { return block << block_bits; }
    bool operator==(const Superblock&) const = default;
};

[[nodiscard]] bool has_erofs_magic(ByteView superblock) noexcept;

/// `superblock` has 128 bytes.
/// Errors: truncated; malformed (where = offset of the field); unsupported (features, sizes of directory blocks).
/// Spec: Linux, fs/erofs/erofs_fs.h, struct erofs_super_block; fs/erofs/super.c, erofs_read_superblock.
[[nodiscard]] Result<Superblock> parse_superblock(ByteView superblock);

/// How many bytes from the superblock's first on the checksum covers: the rest of its block.
[[nodiscard]] ByteCount checksummed_bytes(const Superblock& superblock) noexcept;
/// CRC-32C of `covered`, checksummed_bytes() of them, with the checksum itself taken as zero.
/// Spec: Linux, fs/erofs/super.c, erofs_superblock_csum_verify.
[[nodiscard]] std::uint32_t compute_checksum(ByteView covered) noexcept;

} // namespace salvage::filesystem::erofs
