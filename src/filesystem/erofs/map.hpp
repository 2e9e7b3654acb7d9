// From an inode to the pieces of its content, for every layout that EROFS has.
#pragma once

#include <optional>

#include "content.hpp"
#include "inode.hpp"

namespace salvage::filesystem::erofs {

/// What maps are made from.
struct MapSource {
    const io::ByteSource& metadata; ///< the whole volume, best with a cache
    const Superblock& superblock;
    ByteCount present; ///< how much of the volume there is: of an index, what lies behind is lost in one step
    /// Size of the packed inode; nothing where there is none, or where it is itself what is mapped.
    std::optional<ByteCount> packed_inode;
};

/// The pieces of `inode`, as many bytes of them as it has.  What points outside the volume, what contradicts itself and
/// what cannot be read is a lost piece; the rest is kept.  Bounded: max_pieces, and every part of an index is read
/// once. Errors: malformed (the index or the form of the chunks), unsupported (max_pieces, another device), unreadable,
/// io.
[[nodiscard]] Result<ContentMap> map_content(const MapSource& source, const Inode& inode);

/// Of a layout that is plain, or plain with its last part behind the inode.
[[nodiscard]] Result<ContentMap> map_flat(const MapSource& source, const Inode& inode);
/// Of chunks in a list of block numbers.  Spec: Linux, fs/erofs/data.c, erofs_map_blocks.
[[nodiscard]] Result<ContentMap> map_chunks(const MapSource& source, const Inode& inode);
/// Of a compressed inode.  Spec: Linux, fs/erofs/zmap.c.
[[nodiscard]] Result<ContentMap> map_clusters(const MapSource& source, const Inode& inode);

/// Why `count` bytes at `at` cannot be part of a file; nothing where they can.
[[nodiscard]] std::optional<Error> why_not_there(const Superblock& superblock, std::uint64_t at, std::uint64_t count);
[[nodiscard]] Error too_many_pieces(const Inode& inode);

} // namespace salvage::filesystem::erofs
