// The summaries of f2fs.
#include "summaries.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "journals.hpp"

namespace salvage::filesystem::f2fs {
namespace {

BlockOwner parse_owner(ByteView entry) noexcept
{
    return {.node = load_le<std::uint32_t>(entry), .index = load_le<std::uint16_t>(entry.subspan(5))};
}

} // namespace

SummaryTable::SummaryTable(io::SourcePtr source, const Superblock& superblock, const Checkpoint& checkpoint)
    : source_{std::move(source)}, ssa_at_{superblock.ssa_at}, main_at_{superblock.main_at},
      segments_{superblock.main_segments}, has_summaries_{!superblock.has(feature::read_only)},
      current_{checkpoint.data_segments}, node_segments_{checkpoint.node_segments}
{
}

std::optional<BlockOwner> SummaryTable::owner_of(std::uint32_t block) const
{
    const auto segment = (block - main_at_) / blocks_per_segment;
    const auto within = (block - main_at_) % blocks_per_segment * summary_entry_bytes;
    if (!has_summaries_ || segment >= segments_) {
        return std::nullopt;
    }
    const auto current = std::ranges::find(current_, segment, &CurrentSegment::segment);
    if (current != current_.end()) {
        const bool is_there = within + summary_entry_bytes <= current->summaries.size();
        return is_there ? std::optional{parse_owner(ByteView{current->summaries}.subspan(within))} : std::nullopt;
    }
    const auto at = offset_of_block(std::uint64_t{ssa_at_} + segment);
    std::array<std::byte, summary_entry_bytes> entry{};
    std::array<std::byte, 1> type{};
    const bool is_read = source_->read_at(at + ByteCount{within}, entry).has_value() &&
                         source_->read_at(at + ByteCount{summary_type_at}, type).has_value();
    if (!is_read || type[0] != std::byte{0}) {
        return std::nullopt;
    }
    return parse_owner(entry);
}

bool SummaryTable::is_among_nodes(std::uint32_t block) const
{
    return has_summaries_ &&
           std::ranges::find(node_segments_, (block - main_at_) / blocks_per_segment) != node_segments_.end();
}

} // namespace salvage::filesystem::f2fs
