// Lives of inodes that are gone.
#include "history.hpp"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "old_tree.hpp"

namespace salvage::filesystem::f2fs {
namespace {

/// What the volume says of a number today.
struct Today {
    enum class State : std::uint8_t { free, in_use, unknown };
    State state{State::unknown};
    std::uint32_t generation{};
    std::uint32_t age{};
};

Today today_of(const Volume& volume, std::uint32_t number)
{
    if (volume.recovered().file(number) == nullptr) {
        const auto place = volume.nodes().find(number);
        if (!place.has_value()) {
            return {};
        }
        if (place->block == no_block || place->inode != number) {
            return {.state = Today::State::free};
        }
    }
    const auto inode = volume.inode(number);
    if (!inode.has_value()) {
        return {};
    }
    return {.state = Today::State::in_use,
            .generation = inode->generation,
            .age = age_of(parse_footer(inode->block), volume.checkpoint())};
}

/// Ages of the versions of one life.
struct Span {
    std::uint32_t generation{};
    std::uint32_t first_age{};
    std::uint32_t last_age{};
};

/// The lives that the versions of an inode are of, the oldest first.
std::vector<Span> spans_of(std::span<const OldNode> versions)
{
    std::vector<Span> out;
    for (const auto& version : versions) {
        if (!version.is_inode()) {
            continue;
        }
        const auto known = std::ranges::find(out, version.generation, &Span::generation);
        if (known == out.end()) {
            out.push_back({version.generation, version.age, version.age});
        } else {
            known->last_age = version.age;
        }
    }
    std::ranges::sort(out, [](const Span& a, const Span& b) {
        return std::tie(a.last_age, a.first_age, a.generation) > std::tie(b.last_age, b.first_age, b.generation);
    });
    return out;
}

/// An inode that was written while it was being taken apart.
bool is_emptied(const Inode& inode) noexcept
{
    return inode.links == 0 && inode.size == 0;
}

void count(const FileMap& map, const Inode& inode, OldContent& into)
{
    for (const auto& run : map.plain.runs) {
        into.blocks += run.blocks;
        into.lost += run.is_lost() ? run.blocks : 0;
    }
    for (const auto& cluster : map.clusters) {
        const auto blocks = cluster.damage == 0 ? cluster.block_count : inode.compression->cluster_blocks();
        into.blocks += blocks;
        into.lost += cluster.damage == 0 ? 0 : blocks;
    }
    into.reserved = map.reserved_blocks;
}

void add_blocks(const FileMap& map, BlockSet& into)
{
    for (const auto& run : map.plain.runs) {
        if (!run.is_lost()) {
            into.add(run.on_volume, run.blocks);
        }
    }
    for (const auto block : map.cluster_blocks) {
        into.add(block, 1);
    }
}

} // namespace

BlockSet blocks_of_recovered(const Volume& volume)
{
    BlockSet out;
    for (const auto& [number, file] : volume.recovered().files) {
        for (const auto block : {file.inode_block, file.attributes_block}) {
            out.add(block, 1);
        }
        for (const auto& [place, block] : file.nodes) {
            out.add(block, 1);
        }
        const auto inode = volume.inode(number);
        const auto map = inode.has_value() ? map_file(volume, *inode) : Result<FileMap>{inode.error()};
        if (map.has_value()) {
            add_blocks(*map, out);
        }
    }
    return out;
}

History::History(std::shared_ptr<const Volume> volume, OldNodes nodes)
    : volume_{std::move(volume)}, nodes_{std::move(nodes)}, recovered_{blocks_of_recovered(*volume_)}
{
}

Result<Inode> History::read_inode(const OldNode& node) const
{
    auto block = SALVAGE_TRY(read_block(volume_->metadata(), node.block));
    return io::lifted(parse_inode(node.inode, std::move(block), volume_->superblock()), volume_->source(),
                      offset_of_block(node.block));
}

const OldNode* History::newest_that_says(std::span<const OldNode> versions, std::uint32_t generation) const
{
    const OldNode* emptied = nullptr;
    for (auto i = versions.size(); i-- > 0;) {
        const auto& version = versions[i];
        if (!version.is_inode() || version.generation != generation) {
            continue;
        }
        const auto inode = read_inode(version);
        if (!inode.has_value()) {
            continue;
        }
        if (!is_emptied(*inode)) {
            return &version;
        }
        emptied = emptied == nullptr ? &version : emptied;
    }
    return emptied;
}

std::vector<Life> History::lives_of(std::uint32_t node) const
{
    const auto versions = nodes_.of(node);
    auto spans = spans_of(versions);
    if (spans.empty()) {
        return {};
    }
    const auto today = today_of(*volume_, node);
    if (today.state == Today::State::unknown) {
        return {};
    }
    const bool is_in_use = today.state == Today::State::in_use;
    if (is_in_use) {
        const auto own = std::ranges::find(spans, today.generation, &Span::generation);
        const auto first_age = own == spans.end() ? today.age : std::max(own->first_age, today.age);
        if (own != spans.end()) {
            spans.erase(own);
        }
        spans.push_back({today.generation, first_age, today.age});
    }
    std::vector<Life> out;
    for (std::size_t i = 0; i < spans.size() - (is_in_use ? 1 : 0); ++i) {
        const auto* const newest = newest_that_says(versions, spans[i].generation);
        if (newest == nullptr) {
            continue;
        }
        constexpr std::int64_t always = std::numeric_limits<std::int64_t>::max();
        out.push_back({.inode = node,
                       .generation = spans[i].generation,
                       .block = newest->block,
                       .age = newest->age,
                       .born_after = i == 0 ? always : std::int64_t{spans[i - 1].last_age},
                       .gone_before = i + 1 == spans.size() ? -1 : std::int64_t{spans[i + 1].first_age},
                       .lives_later = static_cast<std::uint32_t>(spans.size() - 1 - i)});
    }
    return out;
}

Result<Inode> History::inode_of(const Life& life) const
{
    return read_inode({.node = life.inode, .inode = life.inode, .block = life.block});
}

Result<OldContent> History::content_of(const Life& life, const Inode& inode) const
{
    OldContent out;
    if (inode.has_inline(inline_flag::data)) {
        out.source = SALVAGE_TRY(inline_content(inode));
        return out;
    }
    const OldTree tree{*this, life};
    auto map = SALVAGE_TRY(map_tree(tree, *volume_, inode));
    count(map, inode, out);
    out.uncertain = tree.uncertain_blocks();
    if (out.lost < out.blocks || out.blocks == 0) {
        out.source = volume_->mapped_content(inode, std::move(map));
    }
    return out;
}

std::vector<std::pair<std::uint32_t, std::string>> History::earlier_names(const Life& life) const
{
    std::vector<std::pair<std::uint32_t, std::string>> out;
    for (const auto& version : nodes_.of(life.inode)) {
        if (!version.is_inode() || version.generation != life.generation || version.block == life.block) {
            continue;
        }
        if (const auto inode = read_inode(version); inode.has_value()) {
            out.emplace_back(inode->parent, inode->name);
        }
    }
    return out;
}

} // namespace salvage::filesystem::f2fs
