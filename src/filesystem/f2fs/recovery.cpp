// What was synced after the last checkpoint.
#include "recovery.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "volume.hpp"

namespace salvage::filesystem::f2fs {
namespace {

/// One node of the chain.
struct Link {
    std::uint32_t block{};
    NodeFooter footer;
};

/// Linux, fs/f2fs/node.h, is_recoverable_dnode.
bool belongs_to(const NodeFooter& footer, const Checkpoint& checkpoint) noexcept
{
    if (checkpoint.has(checkpoint_flag::no_checksum_in_nodes)) {
        return static_cast<std::uint32_t>(footer.version) == static_cast<std::uint32_t>(checkpoint.version);
    }
    auto expected = checkpoint.version;
    if (checkpoint.has(checkpoint_flag::checksum_in_nodes)) {
        expected |= std::uint64_t{checkpoint.checksum} << 32U;
    }
    return footer.version == expected;
}

/// True for places of the tree whose nodes hold addresses, the inode's own included.
bool holds_addresses(std::uint32_t place) noexcept
{
    constexpr std::uint32_t per_node = addresses_in_node;
    if (place == 3 || place == 4 + per_node || place == 5 + 2 * per_node) {
        return false;
    }
    return place < 6 + 2 * per_node || (place - (6 + 2 * per_node)) % (per_node + 1) != 0;
}

/// First block of a file that the node at `place` holds an address of.
std::uint64_t first_block_of(std::uint32_t place, const Inode& inode) noexcept
{
    constexpr std::uint32_t per_node = addresses_in_node;
    if (place == 0) {
        return 0;
    }
    std::uint32_t nodes_before = place - 1; // of those that hold addresses
    if (place > 3) {
        nodes_before -= 1;
    }
    if (place > 4 + per_node) {
        nodes_before -= 1;
    }
    if (place > 5 + 2 * per_node) {
        nodes_before -= 1 + (place - (6 + 2 * per_node)) / (per_node + 1) + 1;
    }
    const std::uint64_t cluster = inode.compression ? inode.compression->cluster_blocks() : 1;
    return inode.own_addresses() + nodes_before * (per_node - per_node % cluster);
}

class Chain {
public:
    Chain(const Volume& volume, std::vector<Finding>& findings) : volume_{volume}, findings_{findings} {}

    Result<Recovered> run()
    {
        SALVAGE_TRY(follow());
        choose_files();
        for (const auto& link : links_) {
            SALVAGE_TRY(take(link));
        }
        report();
        return std::move(out_);
    }

private:
    struct Choice {
        bool is_new{false};
        std::uint32_t last_synced{no_block};
        std::uint32_t last_named{no_block};
        bool is_done{false};
    };

    Result<> follow()
    {
        const auto& superblock = volume_.superblock();
        auto at = volume_.checkpoint().next_warm_node_block;
        std::unordered_set<std::uint32_t> seen;
        while (superblock.is_in_main(at)) {
            if (!seen.insert(at).second) {
                broken(at, "it comes back to a block that it has been at");
                return {};
            }
            const auto block = read_block(volume_.source(), at);
            if (!block.has_value()) {
                if (block.error().code == ErrorCode::io) {
                    return block.error();
                }
                broken(at, "that block cannot be read");
                return {};
            }
            const auto footer = parse_footer(*block);
            if (!belongs_to(footer, volume_.checkpoint())) {
                return {};
            }
            links_.push_back({.block = at, .footer = footer});
            at = footer.next;
        }
        return {};
    }

    /// A file is taken when a node of it has the mark of a sync, and it is either known to the checkpoint or its inode
    /// comes with the mark of a new name.
    void choose_files()
    {
        for (const auto& [block, footer] : links_) {
            if (!footer.is_synced()) {
                continue;
            }
            const auto known = choices_.find(footer.inode);
            const bool has_name = footer.is_inode() && footer.has_new_name();
            if (known == choices_.end()) {
                const bool is_new = !volume_.has_node(footer.inode);
                if (is_new && !has_name) {
                    continue;
                }
                choices_[footer.inode].is_new = is_new;
            }
            auto& choice = choices_[footer.inode];
            choice.last_synced = block;
            if (has_name) {
                choice.last_named = block;
            }
        }
    }

    Result<> take(const Link& link)
    {
        const auto found = choices_.find(link.footer.inode);
        if (found == choices_.end() || found->second.is_done) {
            return {};
        }
        auto& choice = found->second;
        const auto block = SALVAGE_TRY(read_block(volume_.source(), link.block));
        auto& file = out_.files[link.footer.inode];
        file.is_new = choice.is_new;
        const auto place = link.footer.offset();
        if (place == attributes_offset) {
            file.attributes_block = link.block;
        } else if (link.footer.is_inode()) {
            take_inode(link, block, choice, file);
        } else if (holds_addresses(place)) {
            file.nodes[place] = link.block;
            grow(link.footer.inode, place, block, file);
        }
        ++nodes_;
        choice.is_done = link.block == choice.last_synced;
        return {};
    }

    void take_inode(const Link& link, const Bytes& block, const Choice& choice, RecoveredFile& file)
    {
        const auto inode = parse_inode(link.footer.inode, block, volume_.superblock());
        if (!inode.has_value()) {
            broken(link.block, fmt::format("inode {} in it is damaged: {}", link.footer.inode, inode.error().what));
            if (file.is_new && file.inode_block == no_block) {
                file.inode_block = link.block; // whoever opens it learns what is wrong
            }
            return;
        }
        file.inode_block = link.block;
        file.size = inode->size;
        if (link.block == choice.last_named && !inode->name.empty()) {
            auto& names = out_.names[inode->parent];
            std::erase_if(names, [&](const RecoveredName& name) { return name.name == inode->name; });
            names.push_back({.name = inode->name, .inode = inode->number, .type = inode->type()});
            ++names_;
        }
    }

    /// A node of addresses beyond the end makes the file longer, unless the file says that it has room in reserve.
    void grow(std::uint32_t number, std::uint32_t place, ByteView node, RecoveredFile& file)
    {
        const auto inode =
            file.inode_block == no_block ? volume_.inode_of_checkpoint(number) : parse_again(number, file);
        if (!inode.has_value() || (inode->advise & advice::keeps_size) != 0) {
            return;
        }
        const auto first = first_block_of(place, *inode);
        auto size = file.size.value_or(inode->size);
        const std::uint64_t cluster = inode->compression ? inode->compression->cluster_blocks() : 1;
        for (std::size_t i = 0; i < addresses_in_node - addresses_in_node % cluster; ++i) {
            if (load_le<std::uint32_t>(node.subspan(4 * i)) != no_block && size <= (first + i) * block_bytes) {
                size = (first + i + 1) * block_bytes;
            }
        }
        file.size = size;
    }

    [[nodiscard]] Result<Inode> parse_again(std::uint32_t number, const RecoveredFile& file) const
    {
        auto block = SALVAGE_TRY(read_block(volume_.source(), file.inode_block));
        return parse_inode(number, std::move(block), volume_.superblock());
    }

    void broken(std::uint32_t block, std::string_view why)
    {
        Finding out{.code = "f2fs-chain-damaged",
                    .severity = Severity::warning,
                    .text =
                        fmt::format("the chain of nodes that were synced after the last checkpoint is damaged at block "
                                    "{}: {}; later changes may be missing",
                                    block, why),
                    .where = {},
                    .numbers = {{"block", block}, {"nodes_before", links_.size()}},
                    .words = {}};
        out.where.offset = offset_of_block(block);
        findings_.push_back(std::move(out));
    }

    void report()
    {
        if (out_.files.empty()) {
            return;
        }
        findings_.push_back(
            {.code = "f2fs-rolled-forward",
             .severity = Severity::note,
             .text = fmt::format(
                 "the phone was not shut down cleanly: {} files were synced after the last checkpoint, {} of "
                 "them new or renamed; they are shown as they were then, the source was not changed",
                 out_.files.size(), names_),
             .where = {},
             .numbers = {{"files", out_.files.size()},
                         {"names", names_},
                         {"nodes", nodes_},
                         {"checkpoint_version", volume_.checkpoint().version}},
             .words = {}});
    }

    const Volume& volume_;
    std::vector<Finding>& findings_;
    std::vector<Link> links_;
    std::map<std::uint32_t, Choice> choices_;
    Recovered out_;
    std::uint64_t names_{0};
    std::uint64_t nodes_{0};
};

} // namespace

Result<Recovered> roll_forward(const Volume& volume, std::vector<Finding>& findings)
{
    return Chain{volume, findings}.run();
}

} // namespace salvage::filesystem::f2fs
