// The tables NAT and SIT.
#include "tables.hpp"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "journals.hpp"

namespace salvage::filesystem::f2fs {
namespace {

constexpr std::size_t nat_entry_bytes = 9;
constexpr std::uint32_t nodes_per_nat_block = block_bytes / nat_entry_bytes;
constexpr std::size_t sit_entry_bytes = 74;
constexpr std::uint32_t segments_per_sit_block = block_bytes / sit_entry_bytes;

} // namespace

NodeTable::NodeTable(io::SourcePtr source, const Superblock& superblock, const Checkpoint& checkpoint)
    : source_{std::move(source)}, nat_at_{superblock.nat_at}, end_{superblock.node_end()},
      bitmap_{checkpoint.nat_bitmap}
{
    for (const auto& entry : checkpoint.nat_journal) {
        journal_.insert_or_assign(entry.node,
                                  NodePlace{.inode = entry.inode, .block = entry.block, .version = entry.version});
    }
}

Result<NodePlace> NodeTable::find(std::uint32_t node) const
{
    if (node == 0 || node >= end_) {
        return not_found("there is no such node", fmt::format("node {} of {}", node, end_));
    }
    if (const auto found = journal_.find(node); found != journal_.end()) {
        return found->second;
    }
    return read(node, Copy::current);
}

Result<NodePlace> NodeTable::find_in_other_copy(std::uint32_t node) const
{
    return read(node, Copy::other);
}

/// Segments of both copies take turns: first copy, second copy, first copy …
Result<NodePlace> NodeTable::read(std::uint32_t node, Copy copy) const
{
    const auto index = node / nodes_per_nat_block;
    const bool is_second = is_bit_set(bitmap_, index) != (copy == Copy::other);
    // cppcheck-suppress redundantAssignment
    const auto block = nat_at_ + std::uint64_t{index / blocks_per_segment} * 2 * blocks_per_segment +
                       index % blocks_per_segment + (is_second ? blocks_per_segment : 0);
    std::array<std::byte, nat_entry_bytes> entry{};
    const ByteCount within{node % nodes_per_nat_block * nat_entry_bytes};
    SALVAGE_TRY(source_->read_at(offset_of_block(block) + within, entry).in("reading the table of nodes"));
    const ByteView bytes{entry};
    return NodePlace{.inode = load_le<std::uint32_t>(bytes.subspan(1)),
                     .block = load_le<std::uint32_t>(bytes.subspan(5)),
                     .version = std::to_integer<std::uint8_t>(bytes[0])};
}

SegmentTable::SegmentTable(io::SourcePtr source, const Superblock& superblock, const Checkpoint& checkpoint)
    : source_{std::move(source)}, sit_at_{superblock.sit_at}, copy_blocks_{superblock.sit_blocks()},
      main_at_{superblock.main_at}, segments_{superblock.main_segments}, bitmap_{checkpoint.sit_bitmap}
{
    for (const auto& [segment, entry] : checkpoint.sit_journal) {
        journal_.insert_or_assign(segment, entry);
    }
}

std::optional<bool> SegmentTable::is_in_use(std::uint32_t block) const
{
    const auto within = block - main_at_;
    const auto entry = segment(within / blocks_per_segment);
    return entry ? std::optional{is_bit_set(entry->map, within % blocks_per_segment)} : std::nullopt;
}

std::optional<SegmentEntry> SegmentTable::segment(std::uint32_t number) const
{
    auto entry = number < segments_ ? read(number) : std::nullopt;
    return entry && entry->is_consistent() ? entry : std::nullopt;
}

std::optional<SegmentEntry> SegmentTable::read(std::uint32_t segment) const
{
    if (const auto found = journal_.find(segment); found != journal_.end()) {
        return found->second;
    }
    const auto index = segment / segments_per_sit_block;
    if (index >= copy_blocks_) {
        return std::nullopt;
    }
    const auto block = sit_at_ + std::uint64_t{index} + (is_bit_set(bitmap_, index) ? copy_blocks_ : 0);
    std::array<std::byte, sit_entry_bytes> entry{};
    const ByteCount within{segment % segments_per_sit_block * sit_entry_bytes};
    if (!source_->read_at(offset_of_block(block) + within, entry).has_value()) {
        return std::nullopt;
    }
    return parse_segment_entry(entry);
}

} // namespace salvage::filesystem::f2fs
