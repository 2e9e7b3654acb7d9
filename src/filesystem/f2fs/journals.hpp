// The journals that a checkpoint keeps in the spare room of summaries.
#pragma once

#include "checkpoint.hpp"

namespace salvage::filesystem::f2fs {

constexpr std::size_t summary_entry_bytes = 7;
constexpr std::size_t journal_at = blocks_per_segment * summary_entry_bytes;
constexpr std::size_t journal_bytes = 507;
constexpr std::size_t summary_type_at = block_bytes - 5; ///< 0 data, 1 nodes

/// `journal` has 507 bytes.  Errors: malformed (where = offset in it): more entries than have room, numbers that do not
/// exist.
[[nodiscard]] Result<std::vector<NatJournalEntry>> parse_nat_journal(ByteView journal, const Superblock& superblock);
[[nodiscard]] Result<std::vector<SitJournalEntry>> parse_sit_journal(ByteView journal, const Superblock& superblock);

/// A block with summaries in it is not all zero: else journals went with it, and old tables would pass for new ones.
[[nodiscard]] Result<> check_not_empty(ByteView block, bool has_entries);
/// The mark of summaries of data.
[[nodiscard]] Result<> check_summary_footer(ByteView block);

/// A block of inodes that were deleted while they were open; numbers that do not exist are left out.
/// Spec: Linux, include/linux/f2fs_fs.h, struct f2fs_orphan_block.
[[nodiscard]] std::vector<std::uint32_t> parse_orphans(ByteView block, const Superblock& superblock);

/// An entry of the table of segments: 74 bytes.
[[nodiscard]] SegmentEntry parse_segment_entry(ByteView bytes);

} // namespace salvage::filesystem::f2fs
