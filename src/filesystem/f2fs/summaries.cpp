// The summaries of f2fs.
#include "summaries.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "journals.hpp"

namespace salvage::filesystem::f2fs {
namespace {

constexpr std::size_t owner_version_at = 4; // in an entry: node, version, index

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
    const auto use = closed_use_of(segment, within);
    return use.kind == BlockUse::Kind::data ? std::optional{use.owner} : std::nullopt;
}

/// Behind what was written to a current segment lies what it held before it was begun: its summary says of what.
BlockUse SummaryTable::last_use_of(std::uint32_t block) const
{
    const auto segment = (block - main_at_) / blocks_per_segment;
    const auto within = (block - main_at_) % blocks_per_segment * summary_entry_bytes;
    if (!has_summaries_ || segment >= segments_ || is_among_nodes(block)) {
        return {};
    }
    const auto current = std::ranges::find(current_, segment, &CurrentSegment::segment);
    if (current != current_.end() && within + summary_entry_bytes <= current->summaries.size()) {
        const auto entry = ByteView{current->summaries}.subspan(within, summary_entry_bytes);
        return {.kind = BlockUse::Kind::data,
                .owner = parse_owner(entry),
                .version = std::to_integer<std::uint8_t>(entry[owner_version_at])};
    }
    return closed_use_of(segment, within);
}

/// As the table has it: written when the segment was full.
BlockUse SummaryTable::closed_use_of(std::uint32_t segment, std::size_t within) const
{
    std::array<std::byte, summary_entry_bytes> entry{};
    const auto at = offset_of_block(std::uint64_t{ssa_at_} + segment) + ByteCount{within};
    const auto type = type_of(segment);
    if (!type || !source_->read_at(at, entry).has_value() || is_all_zero(entry)) {
        return {};
    }
    return {.kind = *type == std::byte{0} ? BlockUse::Kind::data : BlockUse::Kind::node,
            .owner = parse_owner(entry),
            .version = std::to_integer<std::uint8_t>(entry[owner_version_at])};
}

std::optional<std::byte> SummaryTable::type_of(std::uint32_t segment) const
{
    std::array<std::byte, 1> type{};
    const auto at = offset_of_block(std::uint64_t{ssa_at_} + segment) + ByteCount{summary_type_at};
    return source_->read_at(at, type).has_value() ? std::optional{type[0]} : std::nullopt;
}

bool SummaryTable::may_hold_nodes(std::uint32_t segment) const
{
    return !has_summaries_ || std::ranges::find(node_segments_, segment) != node_segments_.end() ||
           type_of(segment) != std::byte{0};
}

bool SummaryTable::is_among_nodes(std::uint32_t block) const
{
    return has_summaries_ &&
           std::ranges::find(node_segments_, (block - main_at_) / blocks_per_segment) != node_segments_.end();
}

} // namespace salvage::filesystem::f2fs
