// An f2fs volume ready to be read: superblock, checkpoint, tables, and what was synced later.
#pragma once

#include <memory>
#include <vector>

#include "checkpoint.hpp"
#include "cluster.hpp"
#include "inode.hpp"
#include "node_lookup.hpp"
#include "recovery.hpp"
#include "salvage/core/finding.hpp"
#include "summaries.hpp"
#include "tables.hpp"

namespace salvage::filesystem::f2fs {

/// Thread safe: nothing changes after open().
class Volume final : public NodeLookup {
public:
    /// `superblock` was read from `source`.  Errors: as choose_checkpoint; malformed (no root directory).
    [[nodiscard]] static Result<std::unique_ptr<const Volume>> open(const io::SourcePtr& source,
                                                                    const Superblock& superblock);

    [[nodiscard]] const Superblock& superblock() const noexcept { return superblock_; }
    [[nodiscard]] const Checkpoint& checkpoint() const noexcept { return checkpoint_; }
    [[nodiscard]] const Recovered& recovered() const noexcept { return recovered_; }
    [[nodiscard]] const std::vector<Finding>& findings() const noexcept { return findings_; }
    [[nodiscard]] const io::ByteSource& source() const noexcept { return *source_; }
    /// The same bytes, with a cache.
    [[nodiscard]] const io::ByteSource& metadata() const noexcept { return *metadata_; }
    [[nodiscard]] const NodeTable& nodes() const noexcept { return nodes_; }
    [[nodiscard]] const SegmentTable& segments() const noexcept { return segments_; }
    [[nodiscard]] const SummaryTable& summaries() const noexcept { return summaries_; }

    /// Errors: not_found (no such number, or not in use), malformed, those of the source.
    [[nodiscard]] Result<Inode> inode(std::uint64_t number) const;
    /// The inode as the checkpoint has it.  Errors: as inode().
    [[nodiscard]] Result<Inode> inode_of_checkpoint(std::uint32_t number) const;
    /// As the checkpoint has it.
    [[nodiscard]] Result<Bytes> node(std::uint32_t number, std::uint32_t owner, std::uint32_t offset) const override;
    /// Whether the checkpoint knows a node of this number, readable or not.
    [[nodiscard]] bool has_node(std::uint32_t number) const;

    /// Why data of `owner` cannot lie in `block`: it is outside the main area, or free, or provably another's; nothing
    /// where it can.
    [[nodiscard]] std::optional<Error> why_not_data(std::uint32_t block, BlockOwner owner) const override;

    /// The content of a file, directory or link, in its inode or in blocks.  Errors: malformed, unsupported, io.
    [[nodiscard]] Result<io::SourcePtr> content_of(const Inode& inode) const;
    /// The content that lies where `map` says.
    [[nodiscard]] io::SourcePtr mapped_content(const Inode& inode, FileMap map) const;
    /// The room for extended attributes, in the inode and in its node.
    [[nodiscard]] Result<Bytes> attribute_area(const Inode& inode) const;

private:
    Volume(io::SourcePtr source, Superblock superblock, Checkpoint checkpoint);
    [[nodiscard]] Result<Bytes> node_at(const NodePlace& place, std::uint32_t number, std::uint32_t owner,
                                        std::uint32_t offset) const;
    [[nodiscard]] bool points_to(BlockOwner owner, std::uint32_t block) const;
    [[nodiscard]] Result<Inode> recovered_inode(std::uint32_t number, const RecoveredFile& file) const;

    Superblock superblock_;
    io::SourcePtr source_;   ///< as large as the filesystem
    io::SourcePtr metadata_; ///< the same, with a cache
    Checkpoint checkpoint_;
    NodeTable nodes_;
    SegmentTable segments_;
    SummaryTable summaries_;
    Recovered recovered_;
    std::vector<Finding> findings_;
};

/// Reads the tree of nodes of `inode`.  Where a node is lost, the part below it is lost and the rest is kept.  Bounded:
/// a node is at one place of the tree only, and ext::max_runs.
/// Errors: malformed (size), unsupported (max_runs), io.
[[nodiscard]] Result<FileMap> map_file(const Volume& volume, const Inode& inode);

/// The same by what `nodes` knows; what was synced after the checkpoint is left out.  `volume` gives the shape.
[[nodiscard]] Result<FileMap> map_tree(const NodeLookup& nodes, const Volume& volume, const Inode& inode);

} // namespace salvage::filesystem::f2fs
