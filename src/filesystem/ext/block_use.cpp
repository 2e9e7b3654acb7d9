// Which blocks of a volume are in use: by its block bitmaps, and where one is damaged by all inodes.
#include "block_use.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "checksum.hpp"
#include "orphans.hpp"

namespace salvage::filesystem::ext {
namespace {

constexpr std::size_t max_bitmap_bytes = 64U << 20U;
constexpr std::size_t max_runs_of_inodes = 1U << 23U;

bool has_bit(ByteView bits, std::uint64_t at) noexcept
{
    return (std::to_integer<unsigned>(bits[at / 8]) >> (at % 8) & 1U) != 0;
}

void set_bit(Bytes& bits, std::uint64_t at) noexcept
{
    bits[at / 8] |= static_cast<std::byte>(1U << (at % 8));
}

void sort_and_join(std::vector<BlockRange>& ranges)
{
    std::ranges::sort(ranges, {}, &BlockRange::first);
    std::vector<BlockRange> out;
    for (const auto& range : ranges) {
        if (!out.empty() && range.first <= out.back().end()) {
            out.back().count = std::max(out.back().end(), range.end()) - out.back().first;
        } else {
            out.push_back(range);
        }
    }
    ranges = std::move(out);
}

bool has_blocks(const Inode& inode) noexcept
{
    const auto type = inode.type();
    const bool may_have = type == EntryType::file || type == EntryType::directory ||
                          (type == EntryType::symlink && inode.size >= inode.block.size());
    return may_have && !inode.has(inode_flag::inline_data);
}

} // namespace

BlockUse::BlockUse(const Volume& volume, const RunContext& context) : volume_{volume}, context_{context}
{
    const auto& superblock = volume.superblock;
    const auto inodes_per_block = superblock.block_bytes / superblock.inode_bytes;
    const std::uint64_t table_blocks = (superblock.inodes_per_group + inodes_per_block - 1) / inodes_per_block;
    for (std::uint32_t number = 0; number < superblock.groups; ++number) {
        const auto group = volume.library->group(number);
        tables_.insert(tables_.end(), group.copies.begin(), group.copies.end());
        if (!group.is_doubtful) {
            tables_.insert(tables_.end(), {{.first = group.block_bitmap, .count = 1},
                                           {.first = group.inode_bitmap, .count = 1},
                                           {.first = group.inode_table, .count = table_blocks}});
        }
    }
    std::ranges::sort(tables_, {}, &BlockRange::first);
    for (const auto& table : tables_) {
        longest_table_ = std::max(longest_table_, table.count);
    }
}

BlockRange BlockUse::blocks_of(std::uint32_t group) const noexcept
{
    const auto& superblock = volume_.superblock;
    // cppcheck-suppress redundantAssignment ; nothing is assigned
    const auto first = superblock.first_block + std::uint64_t{group} * superblock.blocks_per_group;
    return {.first = first, .count = std::min<std::uint64_t>(superblock.blocks_per_group, superblock.blocks - first)};
}

/// The parts of tables that lie in `group`, as clusters of it.
template <typename Visit>
void BlockUse::for_tables_in(const BlockRange& group, Visit visit) const
{
    const auto from = group.first > longest_table_ ? group.first - longest_table_ : 0;
    for (auto table = std::ranges::lower_bound(tables_, from, {}, &BlockRange::first);
         table != tables_.end() && table->first < group.end(); ++table) {
        const auto first = std::max(table->first, group.first);
        const auto end = std::min(table->end(), group.end());
        if (first < end) {
            const std::uint64_t ratio = volume_.superblock.blocks_per_cluster;
            visit((first - group.first) / ratio, (end - 1 - group.first) / ratio + 1);
        }
    }
}

void BlockUse::mark_tables(const BlockRange& group, Bytes& used) const
{
    for_tables_in(group, [&](std::uint64_t first, std::uint64_t end) {
        for (auto cluster = first; cluster < end; ++cluster) {
            set_bit(used, cluster);
        }
    });
}

bool BlockUse::has_tables(const BlockRange& group, ByteView used) const
{
    bool out = true;
    for_tables_in(group, [&](std::uint64_t first, std::uint64_t end) {
        for (auto cluster = first; cluster < end && out; ++cluster) {
            out = has_bit(used, cluster);
        }
    });
    return out;
}

/// The bitmap as it lies on the volume, if it can be believed.
std::optional<Bytes> BlockUse::read_bitmap(std::uint32_t group, const Group& descriptor) const
{
    const auto& superblock = volume_.superblock;
    if (descriptor.is_doubtful || descriptor.block_bitmap == 0 || descriptor.block_bitmap >= superblock.blocks) {
        return std::nullopt;
    }
    auto bytes = io::read_bytes(*volume_.source, ByteOffset{descriptor.block_bitmap * superblock.block_bytes},
                                ByteCount{superblock.block_bytes});
    if (!bytes.has_value()) {
        return std::nullopt;
    }
    const auto clusters = superblock.blocks_per_group / superblock.blocks_per_cluster;
    const auto kept = ByteView{*bytes}.first(clusters / 8);
    if (superblock.has_checksums() && !bitmap_checksums(superblock, kept, descriptor.block_bitmap_checksum).agree()) {
        return std::nullopt;
    }
    if (!has_tables(blocks_of(group), *bytes)) {
        return std::nullopt;
    }
    return std::move(*bytes);
}

Result<BlockUse::Bitmap> BlockUse::load(std::uint32_t number)
{
    const auto blocks = blocks_of(number);
    const auto descriptor = volume_.library->group(number);
    Bitmap out{.used = Bytes(volume_.superblock.block_bytes), .is_complete = true};
    if (!descriptor.has_block_bitmap) {
        mark_tables(blocks, out.used);
        return out;
    }
    if (auto bytes = read_bitmap(number, descriptor)) {
        out.used = std::move(*bytes);
        return out;
    }
    ++damaged_;
    SALVAGE_TRY(ask_inodes());
    mark_tables(blocks, out.used);
    out.is_complete = from_inodes_->is_complete && !descriptor.is_doubtful;
    const std::uint64_t ratio = volume_.superblock.blocks_per_cluster;
    for (auto run = std::ranges::upper_bound(from_inodes_->used, blocks.first, {}, &BlockRange::end);
         run != from_inodes_->used.end() && run->first < blocks.end(); ++run) {
        const auto first = std::max(run->first, blocks.first) - blocks.first;
        const auto end = std::min(run->end(), blocks.end()) - blocks.first;
        for (auto cluster = first / ratio; cluster <= (end - 1) / ratio; ++cluster) {
            set_bit(out.used, cluster);
        }
    }
    return out;
}

/// Adds what an inode uses.  What cannot be read makes the whole incomplete.
Result<> BlockUse::add_blocks_of(const Inode& inode, BlocksOfInodes& out) const
{
    out.is_complete = out.is_complete && !inode.is_doubtful;
    if (inode.attributes_block != 0) {
        out.used.push_back({.first = inode.attributes_block, .count = 1});
    }
    if (!has_blocks(inode)) {
        return {};
    }
    const auto map = volume_.map_of(inode);
    if (!map.has_value()) {
        out.is_complete = false;
        return map.error().code == ErrorCode::io ? Result<>{map.error()} : Result<>{};
    }
    out.is_complete = out.is_complete && map->damages.empty();
    for (const auto& run : map->runs) {
        if (!run.is_lost()) {
            out.used.push_back({.first = run.on_volume, .count = run.blocks});
        }
    }
    for (const auto node : map->nodes) {
        out.used.push_back({.first = node, .count = 1});
    }
    if (out.used.size() <= max_runs_of_inodes) {
        return {};
    }
    sort_and_join(out.used);
    if (out.used.size() > max_runs_of_inodes / 2) {
        return unsupported("the files lie in more pieces than are counted", "a block bitmap is damaged");
    }
    return {};
}

/// What all inodes that hold blocks use; those of files that were deleted while they were open among them.
Result<> BlockUse::ask_inodes()
{
    if (from_inodes_) {
        return {};
    }
    from_inodes_ = BlocksOfInodes{};
    auto& out = *from_inodes_;
    const auto orphans = find_orphans(volume_);
    const auto scan =
        InodeTables{volume_}.for_each(volume_, context_, [&](std::uint32_t number, ByteView bytes) -> Result<> {
            const auto inode = volume_.parse(number, bytes);
            const bool is_held = inode.is_alive() || orphans.contains(number);
            return is_held ? add_blocks_of(inode, out) : Result<>{};
        });
    if (!scan.has_value() && scan.error().code != ErrorCode::unsupported) {
        return scan.error();
    }
    out.is_complete = out.is_complete && scan.has_value() && scan->unreadable == 0;
    sort_and_join(out.used);
    return {};
}

Result<const BlockUse::Bitmap*> BlockUse::bitmap_of(std::uint32_t group)
{
    if (const auto found = bitmaps_.find(group); found != bitmaps_.end()) {
        return &found->second;
    }
    auto bitmap = SALVAGE_TRY(load(group));
    if ((bitmaps_.size() + 1) * volume_.superblock.block_bytes > max_bitmap_bytes) {
        bitmaps_.clear();
    }
    return &bitmaps_.insert_or_assign(group, std::move(bitmap)).first->second;
}

Result<BlockUse::Span> BlockUse::at(std::uint64_t block)
{
    const auto& superblock = volume_.superblock;
    if (block < superblock.first_block) {
        return Span{.use = Use::used, .end = superblock.first_block};
    }
    const auto group = static_cast<std::uint32_t>((block - superblock.first_block) / superblock.blocks_per_group);
    const auto blocks = blocks_of(group);
    const auto* const bitmap = SALVAGE_TRY(bitmap_of(group));
    const std::uint64_t ratio = superblock.blocks_per_cluster;
    auto cluster = (block - blocks.first) / ratio;
    const auto clusters = (blocks.count + ratio - 1) / ratio;
    const bool is_used = has_bit(bitmap->used, cluster);
    const auto same = is_used ? std::byte{0xFF} : std::byte{0};
    for (++cluster; cluster < clusters && has_bit(bitmap->used, cluster) == is_used;) {
        cluster += cluster % 8 == 0 && bitmap->used[cluster / 8] == same ? 8U : 1U;
    }
    const auto use = is_used ? Use::used : bitmap->is_complete ? Use::free : Use::unknown;
    return Span{.use = use, .end = std::min(blocks.first + cluster * ratio, blocks.end())};
}

Result<std::vector<ByteRange>> find_unused_areas(const Volume& volume, const RunContext& context)
{
    BlockUse use{volume, context};
    std::vector<ByteRange> out;
    const std::uint64_t block_bytes = volume.superblock.block_bytes;
    for (std::uint64_t block = 0; block < volume.superblock.blocks;) {
        const auto span = SALVAGE_TRY(use.at(block));
        if (span.use == Use::free) {
            const ByteOffset start{block * block_bytes};
            SALVAGE_TRY(append_area(out, ByteRange::between(start, ByteOffset{span.end * block_bytes})));
        }
        block = span.end;
        if (context.is_stopped()) {
            return cancelled("looking for unused areas");
        }
    }
    return out;
}

} // namespace salvage::filesystem::ext
