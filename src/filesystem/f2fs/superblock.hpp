// The superblock of f2fs: bytes to a value whose numbers agree with each other.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "layout.hpp"
#include "salvage/core/result.hpp"

namespace salvage::filesystem::f2fs {

/// Two copies, in the first two blocks.
inline constexpr std::array superblock_places{ByteOffset{1024}, ByteOffset{block_bytes + 1024}};
inline constexpr ByteCount superblock_bytes{3072};

struct Superblock {
    std::uint64_t blocks{};
    std::uint32_t features{};
    std::uint32_t checkpoint_at{}; ///< blocks, as all that follow
    std::uint32_t sit_at{};
    std::uint32_t nat_at{};
    std::uint32_t ssa_at{};
    std::uint32_t main_at{};
    std::uint32_t sit_segments{}; ///< both copies together
    std::uint32_t nat_segments{}; ///< both copies together
    std::uint32_t main_segments{};
    std::uint32_t checkpoint_payload{}; ///< further blocks of a checkpoint, for its bitmaps
    std::uint32_t root_inode{};
    std::array<std::byte, 16> uuid{};
    std::string label;

    [[nodiscard]] bool has(std::uint32_t bit) const noexcept { return (features & bit) != 0; }
    [[nodiscard]] ByteCount size() const noexcept { return ByteCount{blocks * block_bytes}; }
    [[nodiscard]] std::uint64_t main_end() const noexcept
    {
        return main_at + std::uint64_t{main_segments} * blocks_per_segment;
    }
    /// Whether nodes and data may lie there.
    [[nodiscard]] bool is_in_main(std::uint64_t block) const noexcept { return block >= main_at && block < main_end(); }
    /// Blocks of one copy of the table of nodes, of the table of segments.
    [[nodiscard]] std::uint32_t nat_blocks() const noexcept { return nat_segments / 2 * blocks_per_segment; }
    [[nodiscard]] std::uint32_t sit_blocks() const noexcept { return sit_segments / 2 * blocks_per_segment; }
    /// Numbers of nodes end here.
    [[nodiscard]] std::uint32_t node_end() const noexcept
    {
        constexpr std::uint64_t nodes_per_nat_block = 455; // entries of 9 bytes
        return static_cast<std::uint32_t>(std::min<std::uint64_t>(nat_blocks() * nodes_per_nat_block, 0xFFFFFFFFU));
    }
    bool operator==(const Superblock&) const = default;
};

[[nodiscard]] bool has_f2fs_magic(ByteView superblock) noexcept;

/// `superblock` has 3072 bytes.
/// Errors: truncated; malformed (where = offset of the field); unsupported (block size, features, several devices).
/// Spec: Linux, include/linux/f2fs_fs.h, struct f2fs_super_block; fs/f2fs/super.c, sanity_check_raw_super.
[[nodiscard]] Result<Superblock> parse_superblock(ByteView superblock);

} // namespace salvage::filesystem::f2fs
