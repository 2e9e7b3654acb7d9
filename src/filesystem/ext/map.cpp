// Extent trees and indirect blocks: which blocks of the volume are a file's.
#include <algorithm>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "checksum.hpp"
#include "content.hpp"

namespace salvage::filesystem::ext {
namespace {

constexpr std::uint64_t max_logical_blocks = 1ULL << 32U; // block numbers within a file have 32 bits
constexpr std::uint16_t extent_magic = 0xF30A;
constexpr std::size_t record_bytes = 12; // header, index and extent alike
constexpr std::uint16_t longest_written_extent = 32768;
constexpr std::size_t direct_blocks = 12;
constexpr unsigned indirection_levels = 3;

/// Notes why a part is lost; the number by which a run refers to it.
std::uint32_t note_damage(ContentMap& map, Error why)
{
    if (map.damages.size() < max_damages) {
        map.damages.push_back(std::move(why));
    }
    return static_cast<std::uint32_t>(map.damages.size());
}

/// Collects runs and reads the blocks that hold the map.
class MapBuilder {
public:
    MapBuilder(const io::ByteSource& volume, VolumeShape shape, std::uint64_t inode, const MapRules& rules)
        : volume_{volume}, shape_{shape}, inode_{inode}, rules_{rules}
    {
    }

    [[nodiscard]] VolumeShape shape() const noexcept { return shape_; }
    [[nodiscard]] ContentMap take() &&
    {
        map_.nodes.assign(nodes_.begin(), nodes_.end());
        return std::move(map_);
    }
    [[nodiscard]] std::uint64_t end() const noexcept { return map_.runs.empty() ? 0 : map_.runs.back().end(); }

    Result<> add(std::uint64_t first, std::uint64_t blocks, std::uint64_t on_volume)
    {
        if (on_volume == 0 || on_volume >= shape_.blocks || blocks > shape_.blocks - on_volume) {
            return lose(first, blocks,
                        error("a file points outside the volume",
                              fmt::format("{} blocks from block {} on, of {}", blocks, on_volume, shape_.blocks)));
        }
        return append({.first = first, .blocks = blocks, .on_volume = on_volume, .damage = 0});
    }

    /// [first, first + blocks) of the file is gone because of `why`.
    Result<> lose(std::uint64_t first, std::uint64_t blocks, Error why)
    {
        return append({.first = first, .blocks = blocks, .on_volume = 0, .damage = note_damage(map_, std::move(why))});
    }

    /// A block of the map, each once: a second use would be a loop.
    Result<Bytes> read_node(std::uint64_t block)
    {
        if (block == 0 || block >= shape_.blocks) {
            return error("the map of a file points outside the volume",
                         fmt::format("block {} of {}", block, shape_.blocks));
        }
        if (!nodes_.insert(block).second) {
            return error("the map of a file uses a block twice", fmt::format("block {}", block));
        }
        if (rules_.read_node) {
            return rules_.read_node(block);
        }
        return io::read_bytes(volume_, ByteOffset{block * shape_.block_bytes}, ByteCount{shape_.block_bytes});
    }

    /// A node of an extent tree that is what was written, as far as its checksum can tell.
    Result<Bytes> read_extents(std::uint64_t block)
    {
        auto out = SALVAGE_TRY(read_node(block));
        if (!rules_.checksum_seed || load_le<std::uint16_t>(out) != extent_magic) {
            return out; // without the magic it is refused anyway
        }
        const auto checksums = extent_checksums(*rules_.checksum_seed, out);
        if (checksums && checksums->agree()) {
            return out;
        }
        return error("a node of an extent tree fails its checksum",
                     fmt::format("block {}{}", block, checksums ? ": " + in_words(*checksums) : ""));
    }

    [[nodiscard]] Error error(std::string_view what, std::string_view why) const
    {
        return Error{ErrorCode::malformed, std::string{what}, fmt::format("inode {}: {}", inode_, why), {}, {}, {}};
    }

    [[nodiscard]] Error at_block(Error why, std::uint64_t block) const
    {
        if (!why.where && block < shape_.blocks) {
            why.where = volume_.locate(ByteOffset{block * shape_.block_bytes});
        }
        return why;
    }

private:
    Result<> append(Run run)
    {
        if (run.blocks == 0) {
            return {};
        }
        if (!map_.runs.empty() && continues(map_.runs.back(), run)) {
            map_.runs.back().blocks += run.blocks;
            return {};
        }
        if (map_.runs.size() >= max_runs) {
            return unsupported("a file lies in more pieces than are followed",
                               fmt::format("inode {} has more than {}", inode_, max_runs));
        }
        map_.runs.push_back(run);
        return {};
    }

    static bool continues(const Run& before, const Run& next) noexcept
    {
        return before.damage == next.damage && before.end() == next.first &&
               (before.is_lost() || before.on_volume + before.blocks == next.on_volume);
    }

    const io::ByteSource& volume_;
    VolumeShape shape_;
    std::uint64_t inode_;
    const MapRules& rules_;
    ContentMap map_;
    std::unordered_set<std::uint64_t> nodes_;
};

/// True for errors that damage one part of a file and leave the others.
bool is_local(const Error& error) noexcept
{
    return error.code == ErrorCode::unreadable || error.code == ErrorCode::malformed ||
           error.code == ErrorCode::truncated;
}

class ExtentWalk {
public:
    ExtentWalk(MapBuilder& builder, std::uint64_t end) : builder_{builder}, end_{end} {}

    Result<> root(ByteView bytes)
    {
        const auto depth = load_le<std::uint16_t>(bytes.subspan(6));
        if (depth > max_extent_depth) {
            return builder_.error("the extent tree is too deep",
                                  fmt::format("{} levels, at most {}", depth, max_extent_depth));
        }
        if (const auto entries = check_header(bytes, depth); !entries.has_value()) {
            return entries.error();
        }
        auto result = node(bytes, depth, {.first = 0, .end = end_});
        if (result.has_value() || !is_local(result.error())) {
            return result;
        }
        const auto kept = std::min(builder_.end(), end_);
        return builder_.lose(kept, end_ - kept, result.error());
    }

private:
    struct Part {
        std::uint64_t first;
        std::uint64_t end;
    };

    Result<std::size_t> check_header(ByteView bytes, unsigned depth) const
    {
        const auto magic = load_le<std::uint16_t>(bytes);
        const auto entries = load_le<std::uint16_t>(bytes.subspan(2));
        const auto found_depth = load_le<std::uint16_t>(bytes.subspan(6));
        if (magic != extent_magic) {
            return builder_.error("a node of an extent tree has no valid magic",
                                  fmt::format("found {:#06x}, expected {:#06x}", magic, extent_magic));
        }
        if (found_depth != depth) {
            return builder_.error("a node of an extent tree is at the wrong level",
                                  fmt::format("found {}, expected {}", found_depth, depth));
        }
        const auto room = bytes.size() / record_bytes - 1;
        if (entries > room) {
            return builder_.error("a node of an extent tree has too many entries",
                                  fmt::format("{}, with room for {}", entries, room));
        }
        return entries;
    }

    Result<> node(ByteView bytes, unsigned depth, Part part)
    {
        const auto entries = SALVAGE_TRY(check_header(bytes, depth));
        for (std::size_t i = 0; i < entries; ++i) {
            const auto record = bytes.subspan((i + 1) * record_bytes, record_bytes);
            if (depth == 0) {
                SALVAGE_TRY(leaf(record, part));
                continue;
            }
            const bool has_next = i + 1 < entries;
            const auto next = has_next ? load_le<std::uint32_t>(bytes.subspan((i + 2) * record_bytes)) : part.end;
            SALVAGE_TRY(child(record, depth, {.first = part.first, .end = std::min<std::uint64_t>(next, part.end)}));
        }
        return {};
    }

    Result<> child(ByteView record, unsigned depth, Part part)
    {
        const auto block =
            load_le<std::uint32_t>(record.subspan(4)) | std::uint64_t{load_le<std::uint16_t>(record.subspan(8))} << 32U;
        part.first = std::max<std::uint64_t>({load_le<std::uint32_t>(record), part.first, builder_.end()});
        if (part.first >= part.end) {
            return {}; // beyond the end of the file, or out of order
        }
        const auto bytes = builder_.read_extents(block);
        auto result = bytes.has_value() ? node(*bytes, depth - 1, part) : Result<>{bytes.error()};
        if (result.has_value() || !is_local(result.error())) {
            return result;
        }
        const auto first = std::max(part.first, builder_.end());
        return builder_.lose(first, part.end - std::min(part.end, first), builder_.at_block(result.error(), block));
    }

    Result<> leaf(ByteView record, Part part)
    {
        const std::uint64_t first = load_le<std::uint32_t>(record);
        const auto length = load_le<std::uint16_t>(record.subspan(4));
        if (length == 0 || first < std::max(part.first, builder_.end())) {
            return builder_.error("an extent is empty or out of order", fmt::format("at block {} of the file", first));
        }
        if (length > longest_written_extent || first >= part.end) {
            return {}; // allocated and never written: a hole; or beyond the end of the file
        }
        const auto block =
            load_le<std::uint32_t>(record.subspan(8)) | std::uint64_t{load_le<std::uint16_t>(record.subspan(6))} << 32U;
        return builder_.add(first, std::min<std::uint64_t>(length, part.end - first), block);
    }

    MapBuilder& builder_;
    std::uint64_t end_;
};

class IndirectWalk {
public:
    IndirectWalk(MapBuilder& builder, std::uint64_t end)
        : builder_{builder}, end_{end}, per_block_{builder.shape().block_bytes / 4}
    {
    }

    Result<> root(ByteView pointers)
    {
        SALVAGE_TRY(direct(pointers.first(direct_blocks * 4), 0));
        std::uint64_t first = direct_blocks;
        std::uint64_t covered = 1;
        for (unsigned level = 1; level <= indirection_levels; ++level) {
            covered *= per_block_;
            const auto block = load_le<std::uint32_t>(pointers.subspan((direct_blocks + level - 1) * 4));
            SALVAGE_TRY(subtree(block, level, first, covered));
            first += covered;
        }
        return {};
    }

private:
    /// Block numbers of data, for the file's blocks from `first` on.
    Result<> direct(ByteView pointers, std::uint64_t first)
    {
        for (std::size_t i = 0; i < pointers.size() / 4 && first + i < end_; ++i) {
            const auto block = load_le<std::uint32_t>(pointers.subspan(i * 4));
            if (block != 0) {
                SALVAGE_TRY(builder_.add(first + i, 1, block));
            }
        }
        return {};
    }

    /// The subtree at `block`, `level` indirections above data, for `covered` blocks of the file from `first` on.
    Result<> subtree(std::uint32_t block, unsigned level, std::uint64_t first, std::uint64_t covered)
    {
        if (block == 0 || first >= end_) {
            return {};
        }
        const auto bytes = builder_.read_node(block);
        if (!bytes.has_value()) {
            if (!is_local(bytes.error())) {
                return bytes.error();
            }
            return builder_.lose(first, std::min(covered, end_ - first), builder_.at_block(bytes.error(), block));
        }
        if (level == 1) {
            return direct(*bytes, first);
        }
        const auto below = covered / per_block_;
        for (std::size_t i = 0; i < per_block_ && first + i * below < end_; ++i) {
            SALVAGE_TRY(
                subtree(load_le<std::uint32_t>(ByteView{*bytes}.subspan(i * 4)), level - 1, first + i * below, below));
        }
        return {};
    }

    MapBuilder& builder_;
    std::uint64_t end_;
    std::uint64_t per_block_;
};

} // namespace

void ContentMap::lose(std::uint64_t first, std::uint64_t blocks, Error why)
{
    runs.push_back({.first = first, .blocks = blocks, .on_volume = 0, .damage = note_damage(*this, std::move(why))});
}

Result<ContentMap> map_content(const io::ByteSource& volume, VolumeShape shape, const Inode& inode,
                               const MapRules& rules)
{
    MapBuilder builder{volume, shape, inode.number, rules};
    const auto blocks = inode.size / shape.block_bytes + (inode.size % shape.block_bytes != 0 ? 1 : 0);
    if (blocks > max_logical_blocks) {
        return builder.error("a file claims to be larger than a file can be", fmt::format("{} bytes", inode.size));
    }
    if (inode.has(inode_flag::extents)) {
        SALVAGE_TRY(ExtentWalk(builder, blocks).root(inode.block));
    } else {
        SALVAGE_TRY(IndirectWalk(builder, blocks).root(inode.block));
    }
    return std::move(builder).take();
}

} // namespace salvage::filesystem::ext
