// The index of a compressed inode: one entry for each logical cluster, in packs.
#pragma once

#include <array>
#include <cstdint>

#include "inode.hpp"

namespace salvage::filesystem::erofs {

/// What stands before the index.  Spec: Linux, fs/erofs/erofs_fs.h, struct z_erofs_map_header.
struct IndexHeader {
    bool is_fragment_whole{false}; ///< the whole file is a fragment; nothing else here counts but its place
    bool has_two_byte_entries{false};
    std::array<bool, 2> has_large_clusters{}; ///< of heads of the first and the second kind
    bool has_inline_tail{false};
    bool is_interlaced{false};
    bool has_fragment_tail{false};
    std::array<std::uint8_t, 2> algorithms{}; ///< as above
    std::uint32_t inline_bytes{};             ///< of the tail behind the index
    std::uint64_t fragment_at{};              ///< in the packed inode
};
constexpr std::size_t index_header_bytes = 8;

/// Errors: malformed, unsupported (logical clusters of another size than a block, lists of extents).
[[nodiscard]] Result<IndexHeader> parse_index_header(ByteView bytes, const Superblock& superblock, DataLayout layout);

enum class ClusterType : std::uint8_t { plain = 0, head = 1, nonhead = 2, second_head = 3 };

/// A logical cluster: a block's worth of the file.
struct LogicalCluster {
    ClusterType type{ClusterType::plain};
    bool is_doubtful{false};  ///< of a head: its block does not follow from what is before it
    bool is_partial{false};   ///< of a head: its physical cluster unpacks to more
    std::uint32_t offset{};   ///< of a head: where in the logical cluster its data begins
    std::uint32_t block{};    ///< of a head: first block of the physical cluster
    std::uint32_t distance{}; ///< of a nonhead: logical clusters back to its head
    std::uint32_t blocks{};   ///< of the first nonhead: blocks of the physical cluster; 0: not said
};

/// Where entries lie.
class Index {
public:
    /// `at`: byte behind the header.  `clusters`: how many there are.
    Index(DataLayout layout, std::uint64_t at, std::uint64_t clusters, unsigned cluster_bits,
          const IndexHeader& header);

    /// Entries that are read together.
    struct Pack {
        std::uint64_t first; ///< logical cluster
        std::uint64_t at;    ///< byte of the volume
        std::size_t bytes;
        std::size_t entries; ///< the last pack may have more than the file
    };
    /// Requires: `cluster` < clusters.
    [[nodiscard]] Pack pack_of(std::uint64_t cluster) const noexcept;
    /// Byte behind the last pack.
    [[nodiscard]] std::uint64_t end() const noexcept;
    [[nodiscard]] std::uint64_t clusters() const noexcept { return clusters_; }

    /// Entries of a pack.  Requires: as many bytes as it has; `into` has room for 16.
    /// Errors: malformed (where = offset in `bytes`): a number of blocks where there can be none.
    [[nodiscard]] Result<> parse(const Pack& pack, ByteView bytes, std::array<LogicalCluster, 16>& into) const;

private:
    [[nodiscard]] Result<> parse_full(ByteView bytes, LogicalCluster& into) const;
    [[nodiscard]] Result<> parse_compact(const Pack& pack, ByteView bytes, std::array<LogicalCluster, 16>& into) const;

    DataLayout layout_;
    std::uint64_t at_;
    std::uint64_t clusters_;
    unsigned cluster_bits_;
    bool has_large_clusters_;
    std::uint64_t leading_{0};  ///< entries of 4 bytes before those of 2
    std::uint64_t two_byte_{0}; ///< entries of 2 bytes
};

} // namespace salvage::filesystem::erofs
