// Where the content of a deleted file lay, and what of it others have taken since.
#include "past_content.hpp"

#include <algorithm>
#include <ranges>
#include <utility>

#include <fmt/format.h>

#include "checksum.hpp"

namespace salvage::filesystem::ext {
namespace {

constexpr std::uint16_t extent_magic = 0xF30A;

/// Finds the blocks of a map among the copies of the log and on the volume.
class PastNodes {
public:
    PastNodes(const Volume& volume, const History& history, BlockUse& use, const Inode& inode, std::int32_t age)
        : volume_{volume}, history_{history}, use_{use}, has_extents_{inode.has(inode_flag::extents)},
          seed_{volume.checksum_seed(inode)}, age_{age}
    {
    }

    Result<Bytes> read(std::uint64_t block)
    {
        const auto copies = history_.copies_of(block);
        const auto younger = std::ranges::upper_bound(copies, age_, {}, &LoggedCopy::age);
        for (const auto& copy : std::ranges::subrange(copies.begin(), younger) | std::views::reverse) {
            if (auto bytes = history_.read(copy); bytes.has_value() && is_node(*bytes)) {
                return bytes;
            }
        }
        const auto use = SALVAGE_TRY(use_.at(block));
        // A checksum with the inode's generation in it proves whose block it is, in use or not.
        if (use.use != Use::used || (has_extents_ && seed_)) {
            const ByteOffset at{block * volume_.superblock.block_bytes};
            auto bytes = io::read_bytes(*volume_.source, at, ByteCount{volume_.superblock.block_bytes});
            if (bytes.has_value() && is_node(*bytes)) {
                return bytes;
            }
        }
        for (auto copy = younger; copy != copies.end(); ++copy) {
            if (auto bytes = history_.read(*copy); bytes.has_value() && is_node(*bytes)) {
                return bytes;
            }
        }
        return malformed({}, "a block that said where the file lay is no longer there", fmt::format("block {}", block));
    }

private:
    [[nodiscard]] bool is_node(ByteView bytes) const
    {
        if (!has_extents_) {
            return !is_all_zero(bytes);
        }
        const bool has_entries =
            load_le<std::uint16_t>(bytes) == extent_magic && load_le<std::uint16_t>(bytes.subspan(2)) != 0;
        if (!has_entries || !seed_) {
            return has_entries;
        }
        const auto checksums = extent_checksums(*seed_, bytes);
        return checksums && checksums->agree();
    }

    const Volume& volume_;
    const History& history_;
    BlockUse& use_;
    bool has_extents_;
    std::optional<std::uint32_t> seed_;
    std::int32_t age_;
};

} // namespace

Result<ContentMap> map_of_past(const Volume& volume, const History& history, BlockUse& use, const Inode& inode,
                               std::int32_t age)
{
    PastNodes nodes{volume, history, use, inode, age};
    return map_content(*volume.source, volume.shape(), inode,
                       {.checksum_seed = {}, .read_node = [&](std::uint64_t block) { return nodes.read(block); }});
}

/// The longest piece of [block, end) of one use, other deleted files' claims among the used.
Result<Claims::Piece> Claims::piece_at(std::uint64_t block, std::uint64_t end, bool is_own)
{
    if (!is_own) {
        const auto span = SALVAGE_TRY(use_.at(block));
        end = std::min(end, span.end);
        if (span.use != Use::free) {
            return Piece{.use = span.use, .end = end};
        }
    }
    const auto after = claimed_.upper_bound(block);
    if (after != claimed_.begin() && std::prev(after)->second > block) {
        return Piece{.use = Use::used, .end = std::min(end, std::prev(after)->second)};
    }
    if (after != claimed_.end()) {
        end = std::min(end, after->first);
    }
    return Piece{.use = Use::free, .end = end};
}

/// Requires: nothing of [first, end) is claimed.
void Claims::claim(std::uint64_t first, std::uint64_t end)
{
    const auto after = claimed_.lower_bound(first);
    if (after != claimed_.begin() && std::prev(after)->second == first) {
        std::prev(after)->second = end;
    } else {
        claimed_.insert_or_assign(first, end);
    }
}

Result<Remains> Claims::take(const ContentMap& map, bool is_own)
{
    Remains out;
    out.map.damages = map.damages;
    std::vector<BlockRange> own;
    for (const auto& run : map.runs) {
        if (run.is_lost()) {
            out.map.runs.push_back(run);
            out.taken += run.blocks;
            out.blocks += run.blocks;
            continue;
        }
        out.blocks += run.blocks;
        const auto end = run.on_volume + run.blocks;
        for (auto block = run.on_volume; block < end;) {
            const auto piece = SALVAGE_TRY(piece_at(block, end, is_own));
            const auto first = run.first + (block - run.on_volume);
            const auto count = piece.end - block;
            if (piece.use == Use::used) {
                out.taken += count;
                out.map.lose(first, count,
                             malformed({}, "another file has taken this part since", fmt::format("block {}", block)));
            } else {
                out.is_unsure = out.is_unsure || piece.use == Use::unknown;
                out.map.runs.push_back({.first = first, .blocks = count, .on_volume = block, .damage = 0});
                own.push_back({.first = block, .count = count});
            }
            block = piece.end;
        }
    }
    for (const auto& range : own) {
        claim(range.first, range.end());
    }
    return out;
}

} // namespace salvage::filesystem::ext
