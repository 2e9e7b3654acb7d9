// Checkpoint packs of f2fs: what was true when the volume last agreed with itself.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "salvage/core/finding.hpp"
#include "superblock.hpp"

namespace salvage::filesystem::f2fs {

namespace checkpoint_flag {
constexpr std::uint32_t unmounted = 0x1;
constexpr std::uint32_t orphans = 0x2;
constexpr std::uint32_t compact_summaries = 0x4;
constexpr std::uint32_t error = 0x8;
constexpr std::uint32_t needs_check = 0x10;
constexpr std::uint32_t fast_boot = 0x20;
constexpr std::uint32_t checksum_in_nodes = 0x40;
constexpr std::uint32_t no_checksum_in_nodes = 0x200;
constexpr std::uint32_t large_nat_bitmap = 0x400;
constexpr std::uint32_t disabled = 0x1000;
} // namespace checkpoint_flag

constexpr std::size_t validity_bytes = blocks_per_segment / 8;

/// An entry of the table of nodes that the checkpoint keeps itself.
struct NatJournalEntry {
    std::uint32_t node{};
    std::uint8_t version{};
    std::uint32_t inode{};
    std::uint32_t block{};
};
/// Which blocks of a segment are in use.
struct SegmentEntry {
    std::uint16_t in_use{};
    std::array<std::byte, validity_bytes> map{};
    /// The count agrees with the map.
    [[nodiscard]] bool is_consistent() const noexcept;
};
struct SitJournalEntry {
    std::uint32_t segment{};
    SegmentEntry entry;
};

/// A segment that data were being written to, with the summaries of its blocks.
struct CurrentSegment {
    std::uint32_t segment{};
    Bytes summaries; ///< 7 bytes a block, as many as are known
};

struct Checkpoint {
    std::uint64_t version{};
    std::uint32_t checksum{};
    std::uint32_t flags{};
    unsigned pack{};                      ///< 0 or 1
    std::uint32_t next_warm_node_block{}; ///< where the chain of nodes goes on that were synced later
    Bytes nat_bitmap;                     ///< one bit a block of the table: which of its two copies counts
    Bytes sit_bitmap;
    std::vector<NatJournalEntry> nat_journal;
    std::vector<SitJournalEntry> sit_journal;
    std::vector<CurrentSegment> data_segments;
    std::vector<std::uint32_t> node_segments; ///< those that nodes were being written to
    std::vector<std::uint32_t> orphans;       ///< inodes that were deleted while they were open

    [[nodiscard]] bool has(std::uint32_t flag) const noexcept { return (flags & flag) != 0; }
};

/// The newer of the two packs that is whole: head and foot agree, checksums are right, numbers are within the volume,
/// and the journals can be read.  What is wrong with the other becomes a finding. Errors: malformed, unreadable
/// (neither is whole), io. Spec: Linux, Documentation/filesystems/f2fs.rst; fs/f2fs/checkpoint.c,
/// f2fs_get_valid_checkpoint; fs/f2fs/segment.c, restore_curseg_summaries.
[[nodiscard]] Result<Checkpoint> choose_checkpoint(const io::ByteSource& source, const Superblock& superblock,
                                                   std::vector<Finding>& findings);

} // namespace salvage::filesystem::f2fs
