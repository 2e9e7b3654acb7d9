// Whose each block is: the summaries, one block of them a segment (SSA), those of the current segments in the
// checkpoint.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "checkpoint.hpp"

namespace salvage::filesystem::f2fs {

/// The address of a block stands at `index` of `node`.
struct BlockOwner {
    std::uint32_t node{};
    std::uint16_t index{};
    bool operator==(const BlockOwner&) const = default;
};

/// What a block was last written as.
struct BlockUse {
    enum class Kind : std::uint8_t { unknown, data, node };
    Kind kind{Kind::unknown};
    BlockOwner owner;       ///< of data
    std::uint8_t version{}; ///< that the owner's number had in the table of nodes
};

/// Thread safe.
class SummaryTable {
public:
    SummaryTable(io::SourcePtr source, const Superblock& superblock, const Checkpoint& checkpoint);

    /// What the summary says of a block of data; nothing where there is none to read, or it is one of nodes.
    [[nodiscard]] std::optional<BlockOwner> owner_of(std::uint32_t block) const;
    /// What a block, free or not, was last written as, as far as the tables know.
    [[nodiscard]] BlockUse last_use_of(std::uint32_t block) const;
    /// Whether nodes were written to a segment when it was last filled; unknown counts as yes.
    [[nodiscard]] bool may_hold_nodes(std::uint32_t segment) const;
    /// Whether the checkpoint writes nodes to the segment of `block`.
    [[nodiscard]] bool is_among_nodes(std::uint32_t block) const;

private:
    [[nodiscard]] std::optional<std::byte> type_of(std::uint32_t segment) const;
    [[nodiscard]] BlockUse closed_use_of(std::uint32_t segment, std::size_t within) const;

    io::SourcePtr source_;
    std::uint32_t ssa_at_;
    std::uint32_t main_at_;
    std::uint32_t segments_;
    bool has_summaries_; ///< a volume that is never written needs none
    std::vector<CurrentSegment> current_;
    std::vector<std::uint32_t> node_segments_;
};

} // namespace salvage::filesystem::f2fs
