// The journals that a checkpoint keeps in the spare room of summaries.
#include "journals.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace salvage::filesystem::f2fs {
namespace {

constexpr std::size_t nat_entry_bytes = 13;
constexpr std::size_t sit_entry_bytes = 78;
constexpr std::size_t most_nat_entries = (journal_bytes - 2) / nat_entry_bytes;
constexpr std::size_t most_sit_entries = (journal_bytes - 2) / sit_entry_bytes;

Result<std::size_t> entry_count(ByteView journal, std::size_t most)
{
    const auto count = load_le<std::uint16_t>(journal);
    if (count > most) {
        return malformed(ByteOffset{0}, "a journal of the checkpoint has too many entries",
                         fmt::format("{}, with room for {}", count, most));
    }
    return count;
}

} // namespace

Result<std::vector<NatJournalEntry>> parse_nat_journal(ByteView journal, const Superblock& superblock)
{
    const auto count = SALVAGE_TRY(entry_count(journal, most_nat_entries));
    std::vector<NatJournalEntry> out(count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto at = 2 + i * nat_entry_bytes;
        const auto bytes = journal.subspan(at, nat_entry_bytes);
        out[i] = {.node = load_le<std::uint32_t>(bytes),
                  .version = std::to_integer<std::uint8_t>(bytes[4]),
                  .inode = load_le<std::uint32_t>(bytes.subspan(5)),
                  .block = load_le<std::uint32_t>(bytes.subspan(9))};
        const bool has_node = out[i].node != 0 && out[i].node < superblock.node_end();
        const auto block = out[i].block;
        if (!has_node || (block != no_block && block != new_block && !superblock.is_in_main(block))) {
            return malformed(ByteOffset{at}, "a journal of the checkpoint names a node that cannot be",
                             fmt::format("node {} in block {}", out[i].node, block));
        }
    }
    return out;
}

Result<std::vector<SitJournalEntry>> parse_sit_journal(ByteView journal, const Superblock& superblock)
{
    const auto count = SALVAGE_TRY(entry_count(journal, most_sit_entries));
    std::vector<SitJournalEntry> out(count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto at = 2 + i * sit_entry_bytes;
        const auto bytes = journal.subspan(at, sit_entry_bytes);
        out[i] = {.segment = load_le<std::uint32_t>(bytes), .entry = parse_segment_entry(bytes.subspan(4))};
        if (out[i].segment >= superblock.main_segments || !out[i].entry.is_consistent()) {
            return malformed(ByteOffset{at}, "a journal of the checkpoint names a segment that cannot be",
                             fmt::format("segment {} of {}", out[i].segment, superblock.main_segments));
        }
    }
    return out;
}

Result<> check_not_empty(ByteView block, bool has_entries)
{
    if (has_entries && is_all_zero(block)) {
        return malformed(ByteOffset{0}, "a block of the checkpoint with summaries and journals is all zero");
    }
    return {};
}

Result<> check_summary_footer(ByteView block)
{
    if (block[summary_type_at] != std::byte{0}) {
        return malformed(
            ByteOffset{summary_type_at}, "a summary of the checkpoint is not of data",
            fmt::format("found type {:02x}, expected 00", std::to_integer<unsigned>(block[summary_type_at])));
    }
    return {};
}

std::vector<std::uint32_t> parse_orphans(ByteView block, const Superblock& superblock)
{
    constexpr std::uint32_t most = 1020;
    constexpr std::size_t count_at = 4088;
    const auto count = std::min(most, load_le<std::uint32_t>(block.subspan(count_at)));
    std::vector<std::uint32_t> out;
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto inode = load_le<std::uint32_t>(block.subspan(std::size_t{4} * i));
        if (inode >= first_inode && inode < superblock.node_end()) {
            out.push_back(inode);
        }
    }
    return out;
}

SegmentEntry parse_segment_entry(ByteView bytes)
{
    constexpr std::uint16_t count_mask = 0x3FF;
    SegmentEntry out;
    out.in_use = load_le<std::uint16_t>(bytes) & count_mask;
    std::ranges::copy(bytes.subspan(2, validity_bytes), out.map.begin());
    return out;
}

} // namespace salvage::filesystem::f2fs
