// The tree of nodes of an inode that is gone.
#include "old_tree.hpp"

#include <algorithm>
#include <ranges>
#include <set>
#include <string>

#include <fmt/format.h>

#include "journals.hpp"

namespace salvage::filesystem::f2fs {

bool OldTree::is_of_life(const OldNode& node) const noexcept
{
    return node.inode == life_.inode && std::int64_t{node.age} < life_.born_after &&
           std::int64_t{node.age} > life_.gone_before;
}

Result<Bytes> OldTree::node(std::uint32_t number, std::uint32_t owner, std::uint32_t place) const
{
    const auto versions = history_.nodes().of(number);
    for (auto i = versions.size(); i-- > 0;) {
        const auto& version = versions[i];
        if (version.place == place && is_of_life(version)) {
            return read_block(history_.volume().metadata(), version.block);
        }
    }
    return malformed({}, "a node of a deleted file is lost",
                     fmt::format("node {} at place {} of inode {} stands in no free block", number, place, owner));
}

/// The version that the table of nodes had for `number` in this life.  It grows by one each time the number becomes
/// free.
std::uint8_t OldTree::version_of(std::uint32_t number) const
{
    if (number == version_node_) {
        return version_;
    }
    const auto today = history_.volume().nodes().find(number);
    const bool is_free = !today.has_value() || today->block == no_block;
    std::uint32_t times_freed = 0;
    if (number == life_.inode) {
        times_freed = life_.lives_later + (is_free ? 1U : 0U);
    } else {
        std::set<std::uint32_t> later; // inodes that had the number since
        for (const auto& version : history_.nodes().of(number) | std::views::reverse) {
            if (is_of_life(version)) {
                break;
            }
            later.insert(version.inode);
        }
        if (!is_free) {
            later.insert(today->inode);
        }
        times_freed = static_cast<std::uint32_t>(later.size()) + (is_free ? 1U : 0U);
    }
    version_node_ = number;
    version_ = static_cast<std::uint8_t>((today.has_value() ? today->version : 0U) - times_freed);
    return version_;
}

/// After a phone went off, blocks may hold what was written after the last checkpoint and never synced: that goes to
/// segments without a block in use, and behind what is written of the current ones.
bool OldTree::may_be_written_unseen(std::uint32_t block) const
{
    const auto& volume = history_.volume();
    if (volume.checkpoint().has(checkpoint_flag::unmounted)) {
        return false;
    }
    const auto within = block - volume.superblock().main_at;
    const auto segment = within / blocks_per_segment;
    const auto& current = volume.checkpoint().data_segments;
    const auto open = std::ranges::find(current, segment, &CurrentSegment::segment);
    if (open != current.end()) {
        return within % blocks_per_segment * std::uint64_t{summary_entry_bytes} >= open->summaries.size();
    }
    const auto entry = volume.segments().segment(segment);
    return entry && entry->in_use == 0;
}

std::optional<Error> OldTree::why_not_data(std::uint32_t block, BlockOwner owner) const
{
    const auto& volume = history_.volume();
    const auto taken = [&](const std::string& by) {
        auto error = malformed({}, "a block of a deleted file was written to since",
                               fmt::format("block {} ({:#x}): {}", block, block, by));
        if (volume.superblock().is_in_main(block)) {
            error.where = volume.source().locate(offset_of_block(block));
        }
        return error;
    };
    if (!volume.superblock().is_in_main(block)) {
        return taken("it lies outside the area of files");
    }
    const auto in_use = volume.segments().is_in_use(block);
    const auto use = volume.summaries().last_use_of(block);
    if (in_use == true) {
        return taken(use.kind == BlockUse::Kind::data ? fmt::format("it is in use, by node {}", use.owner.node)
                                                      : "it is in use");
    }
    if (history_.was_written_later(block)) {
        return taken("a file that was synced after the last checkpoint has it");
    }
    if (use.kind == BlockUse::Kind::node) {
        return taken("nodes were written there");
    }
    bool is_certain = in_use.has_value() && use.kind == BlockUse::Kind::data && !may_be_written_unseen(block);
    if (use.kind == BlockUse::Kind::data) {
        const auto ahead = static_cast<std::int8_t>(use.version - version_of(owner.node));
        if (use.owner != owner || ahead > 0) {
            return taken(fmt::format("node {} had it since, of a file that is deleted, too", use.owner.node));
        }
        is_certain = is_certain && ahead == 0;
    }
    uncertain_ += is_certain ? 0U : 1U;
    return std::nullopt;
}

} // namespace salvage::filesystem::f2fs
