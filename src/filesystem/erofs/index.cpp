// The index of a compressed inode, entry by entry.
#include "index.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "codecs.hpp"

namespace salvage::filesystem::erofs {
namespace {

constexpr std::size_t full_entry_bytes = 8;
constexpr std::size_t wide_pack_bytes = 8; // two entries of 4 bytes
constexpr std::size_t wide_pack_entries = 2;
constexpr std::size_t narrow_pack_bytes = 32; // sixteen of 2
constexpr std::size_t narrow_pack_entries = 16;
constexpr unsigned most_wide_bits = 14; // of a logical cluster, that its offsets fit
constexpr unsigned most_narrow_bits = 12;
/// In the place of a distance: the number of blocks of the physical cluster.
constexpr std::uint32_t is_block_count = 1U << 11U;

namespace advice {
constexpr std::uint32_t two_byte_entries = 0x1; // of a compact index
constexpr std::uint32_t extents = 0x1;          // of a full one
constexpr std::uint32_t large_clusters_1 = 0x2;
constexpr std::uint32_t large_clusters_2 = 0x4;
constexpr std::uint32_t inline_tail = 0x8;
constexpr std::uint32_t interlaced = 0x10;
constexpr std::uint32_t fragment_tail = 0x20;
constexpr std::uint32_t all_known = 0x3F;
} // namespace advice

Error impossible(std::size_t at, std::string_view field, std::uint64_t value, std::string_view expected)
{
    return malformed(ByteOffset{at}, "the index of a compressed file contradicts itself",
                     fmt::format("{} is {} ({:#x}), expected {}", field, value, value, expected));
}

/// Before these features the bytes of the header meant nothing.
bool has_header(const Superblock& superblock, DataLayout layout) noexcept
{
    return layout == DataLayout::compact_index ||
           superblock.has(feature::large_clusters | feature::inline_tails | feature::fragments_or_dedupe);
}

Result<> check_header(std::uint32_t advise, std::uint8_t cluster_bits, const Superblock& superblock, DataLayout layout)
{
    if (layout == DataLayout::full_index && (advise & advice::extents) != 0) {
        return unsupported("a compressed file has a list of extents instead of an index",
                           "Linux has it from 6.15 on, with the feature 48bit");
    }
    if ((advise & ~advice::all_known) != 0) {
        return impossible(4, "h_advise", advise, fmt::format("no other bits than {:#x}", advice::all_known));
    }
    if (cluster_bits != 0) {
        return unsupported("a compressed file has logical clusters that are larger than a block",
                           fmt::format("by {} bits; no tool is known that makes them", cluster_bits));
    }
    const bool is_compact = layout == DataLayout::compact_index;
    const bool is_uneven = ((advise & advice::large_clusters_1) != 0) != ((advise & advice::large_clusters_2) != 0);
    if (is_compact && is_uneven) {
        return impossible(4, "h_advise", advise, "large clusters for both kinds of heads, or none");
    }
    const bool has_narrow = is_compact && (advise & advice::two_byte_entries) != 0;
    if (is_compact && superblock.block_bits > (has_narrow ? most_narrow_bits : most_wide_bits)) {
        return impossible(4, "h_advise", advise,
                          fmt::format("an index with room for blocks of {} bits", superblock.block_bits));
    }
    return {};
}

struct Bits {
    std::uint32_t low;
    ClusterType type;
};

/// Spec: Linux, fs/erofs/zmap.c, decode_compactedbits.
Bits bits_at(ByteView pack, std::size_t bit, unsigned low_bits) noexcept
{
    const auto value = load_le<std::uint32_t>(pack.subspan(bit / 8)) >> (bit % 8);
    return {.low = value & ((1U << low_bits) - 1), .type = static_cast<ClusterType>(value >> low_bits & 3U)};
}

} // namespace

Result<IndexHeader> parse_index_header(ByteView bytes, const Superblock& superblock, DataLayout layout)
{
    constexpr std::uint8_t whole_fragment = 0x80;
    constexpr std::uint8_t cluster_bits_mask = 0xF;
    const Fields fields{bytes};
    IndexHeader out;
    if (!has_header(superblock, layout)) {
        return out;
    }
    if ((fields.u8(7) & whole_fragment) != 0) {
        out.is_fragment_whole = true;
        out.fragment_at = fields.u64(0) & ~(std::uint64_t{whole_fragment} << 56U);
        return out;
    }
    const std::uint32_t advise = fields.u16(4);
    SALVAGE_TRY(check_header(advise, fields.u8(7) & cluster_bits_mask, superblock, layout));
    const auto has = [&](std::uint32_t bit) { return (advise & bit) != 0; };
    out.has_two_byte_entries = layout == DataLayout::compact_index && has(advice::two_byte_entries);
    out.has_large_clusters = {has(advice::large_clusters_1), has(advice::large_clusters_2)};
    out.is_interlaced = has(advice::interlaced);
    out.has_fragment_tail = has(advice::fragment_tail);
    out.algorithms = {static_cast<std::uint8_t>(fields.u8(6) & 0xFU), static_cast<std::uint8_t>(fields.u8(6) >> 4U)};
    if (out.has_fragment_tail) {
        out.fragment_at = fields.u32(0);
    } else if (has(advice::inline_tail)) {
        out.inline_bytes = fields.u16(2);
        out.has_inline_tail = out.inline_bytes != 0;
    }
    return out;
}

Index::Index(DataLayout layout, std::uint64_t at, std::uint64_t clusters, unsigned cluster_bits,
             const IndexHeader& header)
    : layout_{layout}, at_{at}, clusters_{clusters}, cluster_bits_{cluster_bits},
      has_large_clusters_{header.has_large_clusters[0] || header.has_large_clusters[1]}
{
    if (layout == DataLayout::full_index) {
        at_ += full_entry_bytes; // a second header, which means nothing
        return;
    }
    // Entries of 2 bytes begin where 32 divides the offset, and only whole packs of them are made.
    const auto leading = (narrow_pack_bytes - at % narrow_pack_bytes) % narrow_pack_bytes / 4;
    if (header.has_two_byte_entries && leading < clusters) {
        leading_ = leading;
        two_byte_ = (clusters - leading) / narrow_pack_entries * narrow_pack_entries;
    }
}

Index::Pack Index::pack_of(std::uint64_t cluster) const noexcept
{
    if (layout_ == DataLayout::full_index) {
        return {.first = cluster, .at = at_ + cluster * full_entry_bytes, .bytes = full_entry_bytes, .entries = 1};
    }
    const auto wide = [](std::uint64_t base, std::uint64_t base_cluster, std::uint64_t index) {
        const auto pack = index / wide_pack_entries;
        return Pack{.first = base_cluster + pack * wide_pack_entries,
                    .at = base + pack * wide_pack_bytes,
                    .bytes = wide_pack_bytes,
                    .entries = wide_pack_entries};
    };
    if (cluster < leading_) {
        return wide(at_, 0, cluster);
    }
    const auto narrow_at = at_ + leading_ * 4;
    const auto index = cluster - leading_;
    if (index >= two_byte_) {
        return wide(narrow_at + two_byte_ * 2, leading_ + two_byte_, index - two_byte_);
    }
    const auto pack = index / narrow_pack_entries;
    return {.first = leading_ + pack * narrow_pack_entries,
            .at = narrow_at + pack * narrow_pack_bytes,
            .bytes = narrow_pack_bytes,
            .entries = narrow_pack_entries};
}

std::uint64_t Index::end() const noexcept
{
    if (clusters_ == 0) {
        return at_;
    }
    const auto last = pack_of(clusters_ - 1);
    return last.at + last.bytes;
}

Result<> Index::parse(const Pack& pack, ByteView bytes, std::array<LogicalCluster, 16>& into) const
{
    return layout_ == DataLayout::full_index ? parse_full(bytes, into[0]) : parse_compact(pack, bytes, into);
}

/// Spec: Linux, fs/erofs/zmap.c, z_erofs_load_full_lcluster.
Result<> Index::parse_full(ByteView bytes, LogicalCluster& into) const
{
    constexpr std::uint32_t is_partial = 0x8000;
    constexpr std::uint32_t type_mask = 3;
    const Fields fields{bytes};
    const std::uint32_t advise = fields.u16(0);
    into = {.type = static_cast<ClusterType>(advise & type_mask)};
    if ((advise & ~(is_partial | type_mask)) != 0) {
        return impossible(0, "di_advise", advise, "no other bits than 0x8003");
    }
    if (into.type != ClusterType::nonhead) {
        into.is_partial = (advise & is_partial) != 0;
        into.offset = fields.u16(2);
        into.block = fields.u32(4);
        return {};
    }
    into.distance = fields.u16(4);
    if ((into.distance & is_block_count) != 0) {
        if (!has_large_clusters_) {
            return impossible(4, "delta[0]", into.distance, "a distance");
        }
        into.blocks = into.distance & ~is_block_count;
        into.distance = 1;
    }
    return {};
}

/// A pack keeps one block number for all its heads: that of the first.  Of a nonhead that is the last of its pack the
/// number is the distance to the next head; that to its own follows from the entry before.
/// Spec: Linux, fs/erofs/zmap.c, z_erofs_load_compact_lcluster.
Result<> Index::parse_compact(const Pack& pack, ByteView bytes, std::array<LogicalCluster, 16>& into) const
{
    constexpr unsigned fewest_low_bits = 12; // what a number of blocks takes
    const auto low_bits = std::max(cluster_bits_, fewest_low_bits);
    const auto entry_bits = (pack.bytes - 4) * 8 / pack.entries;
    auto block = load_le<std::uint32_t>(bytes.subspan(pack.bytes - 4));
    if (!has_large_clusters_) {
        ++block;
    }
    std::uint32_t owed = 0; // blocks of the head before, as long as it is not known how many
    for (std::size_t i = 0; i < pack.entries && pack.first + i < clusters_; ++i) {
        const auto [low, type] = bits_at(bytes, i * entry_bits, low_bits);
        auto& cluster = into[i];
        cluster = {.type = type};
        if (type != ClusterType::nonhead) {
            block += owed;
            cluster.offset = low;
            cluster.block = block;
            owed = 1;
            continue;
        }
        if ((low & is_block_count) != 0) {
            if (!has_large_clusters_) {
                return impossible(i * entry_bits / 8, "a distance", low, "less than 2048");
            }
            cluster.blocks = low & ~is_block_count;
            cluster.distance = 1;
            owed = cluster.blocks;
        } else if (i + 1 < pack.entries) {
            cluster.distance = low;
        } else {
            cluster.distance = into[i - 1].type == ClusterType::nonhead ? into[i - 1].distance + 1 : 1;
        }
    }
    return {};
}

} // namespace salvage::filesystem::erofs
