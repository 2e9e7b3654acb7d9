// Node blocks that are in use no more: until their segment is cleaned or discarded they stand there as they were
// written.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "salvage/core/run_context.hpp"
#include "volume.hpp"

namespace salvage::filesystem::f2fs {

struct OldNode {
    std::uint32_t node{};
    std::uint32_t inode{};
    std::uint32_t place{}; ///< in the tree of the inode's nodes; 0 is the inode
    std::uint32_t block{};
    std::uint32_t age{};        ///< checkpoints between it and the newest; 0: written after that
    std::uint32_t generation{}; ///< of inodes
    std::int64_t changed{};     ///< of inodes: seconds since 1970

    [[nodiscard]] bool is_inode() const noexcept { return node == inode; }
};

/// 8 GiB of old node blocks; 80 MiB of memory.  What is found beyond that is passed over.
constexpr std::size_t max_old_nodes = std::size_t{1} << 21U;

/// Sorted by number, the oldest of each first.
class OldNodes {
public:
    OldNodes() = default;
    explicit OldNodes(std::vector<OldNode> nodes);

    [[nodiscard]] const std::vector<OldNode>& all() const noexcept { return nodes_; }
    [[nodiscard]] std::span<const OldNode> of(std::uint32_t node) const;

private:
    std::vector<OldNode> nodes_;
};

/// Checkpoints since that version.
[[nodiscard]] std::uint32_t age_of(const NodeFooter& footer, const Checkpoint& checkpoint) noexcept;

/// Reads the free blocks of all segments that nodes were last written to, by the summaries: as much as nodes take on
/// the volume, and a block for each segment.  Unreadable areas are passed over.  Errors: io, cancelled.
[[nodiscard]] Result<OldNodes> find_old_nodes(const Volume& volume, const RunContext& context);

} // namespace salvage::filesystem::f2fs
