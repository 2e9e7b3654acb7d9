// What is left of inodes that are gone: their lives, and where the content of each lies.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "block_set.hpp"
#include "old_nodes.hpp"

namespace salvage::filesystem::f2fs {

/// One life of an inode number that has ended.  Ages count back from the newest checkpoint.
struct Life {
    std::uint32_t inode{};
    std::uint32_t generation{};
    std::uint32_t block{}; ///< of its newest inode that says something
    std::uint32_t age{};   ///< of that
    /// Nodes of this life are younger than `born_after` and older than `gone_before`; those of other lives are not.
    std::int64_t born_after{};
    std::int64_t gone_before{};
    std::uint32_t lives_later{}; ///< of the same number, that of today included
};

struct OldContent {
    io::SourcePtr source; ///< null: nothing of it is there
    std::uint64_t blocks{};
    std::uint64_t lost{};      ///< of the blocks: written to since, or their node is lost
    std::uint64_t uncertain{}; ///< of the blocks: nobody knows whether they were written to since
    std::uint64_t reserved{};  ///< promised to the file and not written when its inode was: they read as zeros
};

/// Blocks that what was synced after the checkpoint has taken: the tables know nothing of them.
[[nodiscard]] BlockSet blocks_of_recovered(const Volume& volume);

/// Thread safe.
class History {
public:
    History(std::shared_ptr<const Volume> volume, OldNodes nodes);

    [[nodiscard]] const Volume& volume() const noexcept { return *volume_; }
    [[nodiscard]] const OldNodes& nodes() const noexcept { return nodes_; }
    [[nodiscard]] bool was_written_later(std::uint32_t block) const { return recovered_.contains(block); }

    /// Lives of the inode that `node` is among the versions of, the oldest first; none where its number is in use by
    /// the same file, or it is not known by what file.
    [[nodiscard]] std::vector<Life> lives_of(std::uint32_t node) const;
    /// Errors: malformed, those of the source.
    [[nodiscard]] Result<Inode> inode_of(const Life& life) const;
    /// `inode` is that of `life`.  Errors: malformed, unsupported (more pieces than are followed), io.
    [[nodiscard]] Result<OldContent> content_of(const Life& life, const Inode& inode) const;
    /// Names that the inode of `life` had in other versions than the newest: folder and name.
    [[nodiscard]] std::vector<std::pair<std::uint32_t, std::string>> earlier_names(const Life& life) const;

private:
    [[nodiscard]] Result<Inode> read_inode(const OldNode& node) const;
    [[nodiscard]] const OldNode* newest_that_says(std::span<const OldNode> versions, std::uint32_t generation) const;

    std::shared_ptr<const Volume> volume_;
    OldNodes nodes_;
    BlockSet recovered_;
};

} // namespace salvage::filesystem::f2fs
