// Where nodes lie, and which blocks are in use: the tables NAT and SIT with the journals of the checkpoint.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "checkpoint.hpp"

namespace salvage::filesystem::f2fs {

struct NodePlace {
    std::uint32_t inode{};  ///< whose node it is
    std::uint32_t block{};  ///< no_block: the node does not exist
    std::uint8_t version{}; ///< grows by one each time the number becomes free
};

/// Node numbers to blocks.  Thread safe.
class NodeTable {
public:
    NodeTable(io::SourcePtr source, const Superblock& superblock, const Checkpoint& checkpoint);

    [[nodiscard]] std::uint32_t end() const noexcept { return end_; }
    /// As of the checkpoint.  Errors: not_found (no such number); those of the source.
    [[nodiscard]] Result<NodePlace> find(std::uint32_t node) const;
    /// What the other copy of the table says: as of an earlier checkpoint, or the same.
    [[nodiscard]] Result<NodePlace> find_in_other_copy(std::uint32_t node) const;

private:
    enum class Copy : bool { current, other };
    [[nodiscard]] Result<NodePlace> read(std::uint32_t node, Copy copy) const;

    io::SourcePtr source_;
    std::uint32_t nat_at_;
    std::uint32_t end_;
    Bytes bitmap_;
    std::unordered_map<std::uint32_t, NodePlace> journal_;
};

/// Which blocks are in use.  Thread safe.
class SegmentTable {
public:
    SegmentTable(io::SourcePtr source, const Superblock& superblock, const Checkpoint& checkpoint);

    /// Whether `block` of the main area was in use at the checkpoint.  Nothing where the table is damaged there: its
    /// own count tells.
    [[nodiscard]] std::optional<bool> is_in_use(std::uint32_t block) const;
    /// Nothing where the table is damaged there.
    [[nodiscard]] std::optional<SegmentEntry> segment(std::uint32_t number) const;

private:
    [[nodiscard]] std::optional<SegmentEntry> read(std::uint32_t segment) const;

    io::SourcePtr source_;
    std::uint32_t sit_at_;
    std::uint32_t copy_blocks_;
    std::uint32_t main_at_;
    std::uint32_t segments_;
    Bytes bitmap_;
    std::unordered_map<std::uint32_t, SegmentEntry> journal_;
};

} // namespace salvage::filesystem::f2fs
