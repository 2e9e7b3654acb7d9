// The pieces of a compressed inode, from its index.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "index.hpp"
#include "map.hpp"
#include "salvage/core/text.hpp"

namespace salvage::filesystem::erofs {
namespace {

/// Distances from here on may be given as a shorter one, to a nonhead on the way.
constexpr std::uint64_t first_capped_distance = 2047;

/// A head whose physical cluster goes on until the next head, or the end of the file.
struct Open {
    LogicalCluster head;
    std::uint64_t start{};   ///< in the file
    std::uint32_t blocks{0}; ///< of the physical cluster; 0: not said
    bool has_nonheads{false};
};

class Clusters {
public:
    Clusters(const MapSource& source, const Inode& inode, const IndexHeader& header, Index index)
        : source_{source}, superblock_{source.superblock}, inode_{inode}, header_{header}, index_{index}
    {
    }

    Result<ContentMap> read()
    {
        for (std::uint64_t at = 0; at < index_.clusters();) {
            const auto pack = index_.pack_of(at);
            const auto end = std::min(pack.first + pack.entries, index_.clusters());
            auto parsed = parse(pack, end);
            if (parsed.has_value()) {
                for (auto i = at; i < end; ++i) {
                    take(i, entries_[i - pack.first]);
                }
            } else if (parsed.error().code == ErrorCode::io) {
                return std::move(parsed).error();
            } else {
                doubt(std::move(parsed).error());
                if (pack.at >= source_.present.value) {
                    break; // and so do all that follow
                }
            }
            if (map_.is_full()) {
                return too_many_pieces(inode_);
            }
            at = end;
        }
        close(inode_.size, Position::last);
        return std::move(map_);
    }

private:
    enum class Position : bool { within, last };

    [[nodiscard]] Error contradiction(std::uint64_t cluster, std::string_view why) const
    {
        auto error = malformed({}, "the index of a compressed file contradicts itself",
                               fmt::format("inode {}, logical cluster {}: {}", inode_.number, cluster, why));
        const auto pack = index_.pack_of(cluster);
        error.where = source_.metadata.locate(ByteOffset{pack.at});
        return error;
    }

    /// What the entries before say about those that follow.
    struct Expected {
        std::optional<std::uint64_t> head; ///< logical cluster of the last one, where it is known
        std::uint64_t block{0};            ///< behind the last physical cluster
        bool is_block_exact{false};        ///< or else it is the lowest that can be
    };

    /// Reads a pack and checks all of it: one wrong entry puts the block numbers of the others in doubt.
    Result<> parse(const Index::Pack& pack, std::uint64_t end)
    {
        const ByteOffset at{pack.at};
        const auto bytes = SALVAGE_TRY(io::read_bytes(source_.metadata, at, ByteCount{pack.bytes}));
        SALVAGE_TRY(io::lifted(index_.parse(pack, bytes, entries_), source_.metadata, at));
        auto expected = expected_;
        for (auto i = pack.first; i < end; ++i) {
            SALVAGE_TRY(check(i, entries_[i - pack.first], expected));
        }
        if (inode_.layout == DataLayout::compact_index) {
            check_blocks(pack.first, end, expected);
        }
        expected_ = expected;
        return {};
    }

    Result<> check(std::uint64_t at, const LogicalCluster& entry, Expected& expected) const
    {
        return entry.type == ClusterType::nonhead ? check_nonhead(at, entry, expected)
                                                  : check_head(at, entry, expected);
    }

    Result<> check_head(std::uint64_t at, const LogicalCluster& entry, Expected& expected) const
    {
        const bool is_possible = entry.offset < superblock_.block_bytes() && (at != 0 || entry.offset == 0) &&
                                 start_of(at, entry) <= inode_.size;
        if (!is_possible) {
            return contradiction(at, fmt::format("its data begins at {}", entry.offset));
        }
        expected.head = at;
        return {};
    }

    Result<> check_nonhead(std::uint64_t at, const LogicalCluster& entry, Expected& expected) const
    {
        if (entry.distance == 0 || entry.distance > at) {
            return contradiction(at, fmt::format("its head is said to be {} before it", entry.distance));
        }
        const auto distance = at - expected.head.value_or(at - entry.distance);
        expected.head = at - distance;
        const bool is_right =
            entry.distance == distance || (entry.distance < distance && distance > first_capped_distance);
        if (!is_right) {
            return contradiction(at, fmt::format("its head is {} before it, not {}", distance, entry.distance));
        }
        return {};
    }

    /// Under a compact index physical clusters follow each other: mkfs.erofs refuses to write others.  A number that
    /// does not fit is in doubt with all that follow it in its pack; the last head may have one that means nothing.
    void check_blocks(std::uint64_t first, std::uint64_t end, Expected& expected)
    {
        auto next = expected.block;
        bool is_exact = expected.is_block_exact;
        bool is_in_doubt = false;
        for (auto i = first; i < end; ++i) {
            auto& entry = entries_[i - first];
            if (entry.type == ClusterType::nonhead) {
                next += entry.blocks != 0 && is_exact ? entry.blocks - 1 : 0; // the head was taken for one
                continue;
            }
            const bool is_right = is_exact ? entry.block == next : entry.block >= next;
            if (!is_right && !is_in_doubt) {
                is_in_doubt = true;
                block_doubt_ = contradiction(i, fmt::format("its block is {}, expected {}", entry.block, next));
            }
            entry.is_doubtful = is_in_doubt;
            if (!is_in_doubt) {
                next = std::uint64_t{entry.block} + 1;
                is_exact = true;
            }
        }
        expected.block = next;
        expected.is_block_exact = is_exact && !is_in_doubt;
    }

    [[nodiscard]] std::uint64_t start_of(std::uint64_t cluster, const LogicalCluster& head) const noexcept
    {
        return superblock_.offset_of_block(cluster) + head.offset;
    }

    void take(std::uint64_t at, const LogicalCluster& entry)
    {
        if (entry.type == ClusterType::nonhead) {
            if (open_) {
                open_->blocks = open_->has_nonheads ? open_->blocks : entry.blocks;
                open_->has_nonheads = true;
            }
            return;
        }
        const auto start = start_of(at, entry);
        // A head at the very end holds nothing: it only says where the one before ends.
        const bool is_end = start == inode_.size;
        close(start, is_end ? Position::last : Position::within);
        if (is_end) {
            return;
        }
        open_ = Open{.head = entry, .start = start};
    }

    /// From the open head on nothing is known until the next one.
    void doubt(Error why)
    {
        doubt_ = std::move(why);
        open_.reset();
        expected_.head.reset();
        expected_.is_block_exact = false;
    }

    /// Everything up to `end` is known now.
    void close(std::uint64_t end, Position position)
    {
        const auto size = end - map_.end();
        if (!open_) {
            if (size != 0) {
                map_.lose(size, doubt_ ? *doubt_ : contradiction(0, "it does not begin with a head"));
            }
            return;
        }
        const auto open = *std::exchange(open_, std::nullopt);
        if (position == Position::last && header_.has_fragment_tail) {
            add_fragment(open.head, size);
        } else if (auto added = add_physical(open, size, position); !added.has_value()) {
            map_.lose(size, std::move(added).error());
        }
    }

    void add_fragment(const LogicalCluster& head, std::uint64_t size)
    {
        // A full index keeps the upper half of the fragment's place in the last head.
        const auto high = inode_.layout == DataLayout::full_index ? std::uint64_t{head.block} << 32U : 0;
        const auto at = header_.fragment_at + high;
        const auto all = source_.packed_inode.value_or(ByteCount{0}).value;
        if (at > all || size > all - at) {
            map_.lose(size, malformed({}, "a fragment of a file lies outside the inode that holds fragments",
                                      fmt::format("inode {}: {} bytes at {} of {}", inode_.number, size, at, all)));
            return;
        }
        map_.add({.size = size, .at = at, .kind = PieceKind::fragment});
    }

    Result<> add_physical(const Open& open, std::uint64_t size, Position position)
    {
        const bool is_inline = position == Position::last && header_.has_inline_tail;
        if (open.head.is_doubtful && !is_inline) {
            return *block_doubt_;
        }
        const auto at = is_inline ? index_.end() : superblock_.offset_of_block(open.head.block);
        const auto bytes = is_inline ? header_.inline_bytes : SALVAGE_TRY(physical_bytes(open));
        if (auto why = why_not_there(superblock_, at, bytes)) {
            return std::move(*why);
        }
        if (is_inline && at % superblock_.block_bytes() + bytes > superblock_.block_bytes()) {
            return malformed({}, "the end of a file is said to lie behind its index, and does not fit there",
                             fmt::format("inode {}: {} bytes", inode_.number, bytes));
        }
        if (open.head.type == ClusterType::plain) {
            return add_stored(at, bytes, size, header_.is_interlaced && !is_inline);
        }
        return add_packed(open, at, bytes, size);
    }

    [[nodiscard]] Result<std::uint64_t> physical_bytes(const Open& open) const
    {
        const auto kind = open.head.type == ClusterType::head ? 0U : 1U;
        const bool can_be_large = header_.has_large_clusters[kind];
        if (open.blocks == 0 && open.has_nonheads && can_be_large && open.head.type != ClusterType::plain) {
            return contradiction(open.start >> superblock_.block_bits, "it does not say how many blocks it lies in");
        }
        const auto blocks = can_be_large && open.blocks != 0 ? open.blocks : 1U;
        const auto bytes = superblock_.offset_of_block(blocks);
        if (bytes > max_packed_bytes && blocks > 1) {
            return contradiction(open.start >> superblock_.block_bits,
                                 fmt::format("it lies in {} blocks, more than 1 MiB", blocks));
        }
        return bytes;
    }

    /// As it is; interlaced: each byte where it would lie in its block, were the file on the volume in one piece.
    Result<> add_stored(std::uint64_t at, std::uint64_t bytes, std::uint64_t size, bool is_interlaced)
    {
        if (size > bytes) {
            return malformed({}, "a part of a file is longer than the place where it lies",
                             fmt::format("inode {}: {} bytes in {}", inode_.number, size, bytes));
        }
        auto first = size;
        auto first_at = at;
        if (is_interlaced) {
            const auto room = superblock_.block_bytes() - map_.end() % superblock_.block_bytes();
            first_at = at + bytes - room;
            first = std::min(room, size);
        }
        map_.add({.size = first, .at = first_at, .kind = PieceKind::stored});
        map_.add({.size = size - first, .at = at, .kind = PieceKind::stored});
        return {};
    }

    Result<> add_packed(const Open& open, std::uint64_t at, std::uint64_t bytes, std::uint64_t size)
    {
        const auto number = header_.algorithms[open.head.type == ClusterType::head ? 0 : 1];
        const bool is_in_use = number < algorithms && (superblock_.algorithms >> number & 1U) != 0;
        if (!is_in_use) {
            return malformed({}, "a part of a file is compressed in a way that the volume does not use",
                             fmt::format("inode {}: algorithm {}", inode_.number, number));
        }
        const auto algorithm = static_cast<Algorithm>(number);
        const auto most = most_unpacked_bytes(algorithm, bytes);
        if (size > most) {
            return malformed({}, "a compressed part of a file is larger than it can be",
                             fmt::format("inode {}: {} bytes of {} by {}, at most {}", inode_.number, size, bytes,
                                         to_string(algorithm), most));
        }
        map_.add({.size = size,
                  .at = at,
                  .packed_bytes = static_cast<std::uint32_t>(bytes),
                  .kind = PieceKind::packed,
                  .packing = {.algorithm = algorithm,
                              .has_leading_padding = superblock_.has(feature::leading_padding),
                              .is_partial = open.head.is_partial}});
        return {};
    }

    const MapSource& source_;
    const Superblock& superblock_;
    const Inode& inode_;
    const IndexHeader& header_;
    Index index_;
    ContentMap map_;
    std::array<LogicalCluster, 16> entries_{};
    std::optional<Open> open_;
    Expected expected_;
    std::optional<Error> doubt_;
    std::optional<Error> block_doubt_;
};

Result<ContentMap> map_whole_fragment(const MapSource& source, const Inode& inode, std::uint64_t at)
{
    const auto all = source.packed_inode.value_or(ByteCount{0}).value;
    if (at > all || inode.size > all - at) {
        return malformed({}, "a file is said to lie in the inode that holds fragments, and does not",
                         fmt::format("inode {}: {} bytes at {} of {}", inode.number, inode.size, at, all));
    }
    ContentMap out;
    out.add({.size = inode.size, .at = at, .kind = PieceKind::fragment});
    return out;
}

} // namespace

Result<ContentMap> map_clusters(const MapSource& source, const Inode& inode)
{
    if (inode.size == 0) {
        return ContentMap{};
    }
    const auto& superblock = source.superblock;
    const auto header_at = round_up(inode.end(), index_header_bytes);
    if (auto why = why_not_there(superblock, header_at, index_header_bytes)) {
        return std::move(*why);
    }
    const auto bytes =
        SALVAGE_TRY(io::read_bytes(source.metadata, ByteOffset{header_at}, ByteCount{index_header_bytes}));
    const auto header = SALVAGE_TRY(
        io::lifted(parse_index_header(bytes, superblock, inode.layout), source.metadata, ByteOffset{header_at}));
    if (header.is_fragment_whole) {
        return map_whole_fragment(source, inode, header.fragment_at);
    }
    const auto clusters = ((inode.size - 1) >> superblock.block_bits) + 1;
    // Two bytes an entry at least: checked before any sum with it.
    if (clusters > superblock.size().value / 2) {
        return malformed({}, "the index of a compressed file does not fit on the volume",
                         fmt::format("inode {}: {} logical clusters", inode.number, clusters));
    }
    const Index index{inode.layout, header_at + index_header_bytes, clusters, superblock.block_bits, header};
    if (index.end() > superblock.size().value) {
        return malformed({}, "the index of a compressed file does not fit on the volume",
                         fmt::format("inode {}: it ends at {}", inode.number, format_offset(ByteOffset{index.end()})));
    }
    return Clusters{source, inode, header, index}.read();
}

} // namespace salvage::filesystem::erofs
