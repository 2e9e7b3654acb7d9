// Node blocks that are in use no more.
#include "old_nodes.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace salvage::filesystem::f2fs {
namespace {

/// Versions count on; one that is further ahead than this was written by nobody.
constexpr std::uint32_t max_age = 0x7FFFFFFF;

bool can_be(const NodeFooter& footer, const Superblock& superblock) noexcept
{
    const auto end = superblock.node_end();
    return footer.node >= first_inode && footer.node < end && footer.inode >= first_inode && footer.inode < end &&
           footer.is_inode() == (footer.offset() == 0);
}

class Scan {
public:
    Scan(const Volume& volume, const RunContext& context) : volume_{volume}, context_{context} {}

    Result<OldNodes> run()
    {
        const auto segments = volume_.superblock().main_segments;
        for (std::uint32_t i = 0; i < segments && nodes_.size() < max_old_nodes; ++i) {
            if (context_.is_stopped()) {
                return cancelled("looking for deleted files");
            }
            if (volume_.summaries().may_hold_nodes(i)) {
                SALVAGE_TRY(segment(i));
            }
            context_.progress->update(
                {.step = "deleted-files", .unit = "segments", .done = i + 1ULL, .total = segments});
        }
        return OldNodes{std::move(nodes_)};
    }

private:
    /// Neighbouring free blocks at a time.  Where the table is damaged all blocks may be free.
    Result<> segment(std::uint32_t number)
    {
        const auto entry = volume_.segments().segment(number);
        const auto is_free = [&](std::uint32_t i) { return !entry || !is_bit_set(entry->map, i); };
        const auto first = volume_.superblock().main_at + number * blocks_per_segment;
        for (std::uint32_t i = 0; i < blocks_per_segment;) {
            auto end = i;
            while (end < blocks_per_segment && is_free(end)) {
                ++end;
            }
            SALVAGE_TRY(blocks(first + i, end - i));
            i = end + 1;
        }
        return {};
    }

    Result<> blocks(std::uint32_t first, std::uint32_t count)
    {
        if (count == 0) {
            return {};
        }
        const auto range = ByteRange::between(offset_of_block(first), offset_of_block(std::uint64_t{first} + count));
        for (const auto& extent : SALVAGE_TRY(volume_.source().extents(range))) {
            if (extent.kind == io::ExtentKind::data) {
                SALVAGE_TRY(bytes(extent.range));
            }
        }
        return {};
    }

    Result<> bytes(ByteRange range)
    {
        const auto whole_up = (range.start().value + block_bytes - 1) / block_bytes;
        const auto whole_down = range.end().value / block_bytes;
        if (whole_up >= whole_down) {
            return {};
        }
        const auto read = io::read_bytes(volume_.source(), offset_of_block(whole_up),
                                         ByteCount{(whole_down - whole_up) * block_bytes});
        if (!read.has_value()) {
            return read.error().code == ErrorCode::io ? Result<>{read.error()} : Result<>{};
        }
        for (auto block = whole_up; block < whole_down; ++block) {
            take(static_cast<std::uint32_t>(block),
                 ByteView{*read}.subspan((block - whole_up) * block_bytes, block_bytes));
        }
        return {};
    }

    void take(std::uint32_t at, ByteView block)
    {
        const auto footer = parse_footer(block);
        const auto age = age_of(footer, volume_.checkpoint());
        if (!can_be(footer, volume_.superblock()) || age > max_age || nodes_.size() >= max_old_nodes) {
            return;
        }
        OldNode out{.node = footer.node,
                    .inode = footer.inode,
                    .place = footer.offset(),
                    .block = at,
                    .age = age,
                    .generation = 0,
                    .changed = 0};
        if (footer.is_inode()) {
            out.generation = load_le<std::uint32_t>(block.subspan(generation_at));
            out.changed = static_cast<std::int64_t>(load_le<std::uint64_t>(block.subspan(changed_at)));
        }
        nodes_.push_back(out);
    }

    const Volume& volume_;
    const RunContext& context_;
    std::vector<OldNode> nodes_;
};

} // namespace

std::uint32_t age_of(const NodeFooter& footer, const Checkpoint& checkpoint) noexcept
{
    return static_cast<std::uint32_t>(checkpoint.version) - static_cast<std::uint32_t>(footer.version);
}

/// Between two checkpoints the time of change tells, then the place in the log.
OldNodes::OldNodes(std::vector<OldNode> nodes) : nodes_{std::move(nodes)}
{
    std::ranges::sort(nodes_, [](const OldNode& a, const OldNode& b) {
        return std::tie(a.node, b.age, a.changed, a.block) < std::tie(b.node, a.age, b.changed, b.block);
    });
}

std::span<const OldNode> OldNodes::of(std::uint32_t node) const
{
    const auto found = std::ranges::equal_range(nodes_, node, {}, &OldNode::node);
    return {found.begin(), found.end()};
}

Result<OldNodes> find_old_nodes(const Volume& volume, const RunContext& context)
{
    return Scan{volume, context}.run();
}

} // namespace salvage::filesystem::f2fs
