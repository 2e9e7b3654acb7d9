// Where the content of an inode lies on the volume, and that content as a byte source.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "inode.hpp"
#include "salvage/core/result.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::filesystem::ext {

/// Neighbouring blocks of a file.  What no run covers is a hole.
struct Run {
    std::uint64_t first{}; ///< in the file, in blocks
    std::uint64_t blocks{};
    std::uint64_t on_volume{}; ///< block of the volume; unless lost
    std::uint32_t damage{};    ///< 0: the run is on the volume; else 1 + index into ContentMap::damages
    [[nodiscard]] bool is_lost() const noexcept { return damage != 0; }
    [[nodiscard]] std::uint64_t end() const noexcept { return first + blocks; }
};

/// Runs in order, apart from each other.
struct ContentMap {
    std::vector<Run> runs;
    std::vector<Error> damages;       ///< why parts are lost; a few, the last stands for all that follow
    std::vector<std::uint64_t> nodes; ///< blocks of the volume that hold the map itself

    /// [first, first + blocks) of the file is gone because of `why`.  Requires: no run lies behind `first`.
    void lose(std::uint64_t first, std::uint64_t blocks, Error why);
};

/// A file of 4 GiB in blocks of 4 KiB, each for itself.  Memory: 32 bytes a run.
constexpr std::size_t max_runs = 1U << 20U;
constexpr std::size_t max_damages = 16;
/// A tree of extents this deep has room for more blocks than there can be.
constexpr unsigned max_extent_depth = 5;

struct VolumeShape {
    std::uint64_t block_bytes{};
    std::uint64_t blocks{};
};

/// How the blocks of a map are read and trusted.
struct MapRules {
    std::optional<std::uint32_t> checksum_seed;                  ///< nothing: extent blocks have no checksums
    std::function<Result<Bytes>(std::uint64_t block)> read_node; ///< empty: from the volume
};

/// Reads the extent tree or the block numbers of `inode`.  Of a tree whose node is lost, the part below it is lost and
/// the rest is kept; one that fails its checksum is lost.  Bounded: each block of the volume is read once at most, and
/// max_runs. Errors: malformed (the root in the inode), unsupported (max_runs); those of the source other than
/// unreadable. Spec: Linux, Documentation/filesystems/ext4/{ifork,blockmap}.rst.
[[nodiscard]] Result<ContentMap> map_content(const io::ByteSource& volume, VolumeShape shape, const Inode& inode,
                                             const MapRules& rules = {});

/// The content that `map` describes, `size` bytes.  Holes and unreadable areas of the volume pass through.
[[nodiscard]] io::SourcePtr make_content(io::SourcePtr volume, VolumeShape shape, ContentMap map, ByteCount size,
                                         std::string name);

} // namespace salvage::filesystem::ext
