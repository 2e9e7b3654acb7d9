// Compressed clusters of f2fs: several blocks of a file, packed into fewer blocks of the volume.
#pragma once

#include <cstdint>
#include <vector>

#include "filesystem/ext/content.hpp"
#include "inode.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::filesystem::f2fs {

/// A compressed cluster of a file.
struct Cluster {
    std::uint64_t index{};       ///< in the file, in clusters
    std::size_t first_block{};   ///< in FileMap::cluster_blocks
    std::uint32_t block_count{}; ///< at least 1, unless damaged
    std::uint32_t damage{};      ///< 0, or 1 + index into the damages of the plain map
};

/// Where the content of a file lies.
struct FileMap {
    ext::ContentMap plain;
    std::vector<Cluster> clusters; ///< in order
    std::vector<std::uint32_t> cluster_blocks;
    std::uint64_t reserved_blocks{}; ///< promised to the file, never written: they read as zeros
};

/// Unpacks a cluster into `out`, which it must fill.  `packed` are whole blocks: a header of 24 bytes, then the data.
/// Errors: malformed (where = offset in `packed`): sizes, checksum, or what the codec says; unsupported (algorithm).
/// Spec: Linux, fs/f2fs/compress.c, struct compress_data in fs/f2fs/f2fs.h.
[[nodiscard]] Result<> unpack_cluster(ByteView packed, const Compression& compression, std::span<std::byte> out);

/// Content with compressed clusters; `plain` gives what lies outside them, and has the file's size.  A cluster that is
/// damaged is an unreadable part of the file.  Telling extents unpacks the clusters in question.
[[nodiscard]] io::SourcePtr make_compressed(io::SourcePtr volume, io::SourcePtr plain, FileMap map,
                                            const Compression& compression, std::string name);

} // namespace salvage::filesystem::f2fs
