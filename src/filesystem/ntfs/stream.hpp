// The content of an attribute as a byte source: runs of clusters, or units of compression.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "filesystem/ext/content.hpp"
#include "geometry.hpp"
#include "record.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::filesystem::ntfs {

/// Which clusters hold nothing that belongs to a live file; may be asked from many threads.
class FreeClusters {
public:
    /// `bitmap`: one bit a cluster, set where it is taken, of the first `clusters`.  Bits that are missing count as
    /// taken.
    // cppcheck-suppress passedByValue
    FreeClusters(Bytes bitmap, std::uint64_t clusters) noexcept : bitmap_{std::move(bitmap)}, clusters_{clusters} {}
    /// Clusters of which it knows: those that the dump has.
    [[nodiscard]] std::uint64_t clusters() const noexcept { return clusters_; }
    [[nodiscard]] bool is_free(std::uint64_t cluster) const noexcept
    {
        return cluster < clusters_ && cluster / 8 < bitmap_.size() &&
               (std::to_integer<unsigned>(bitmap_[static_cast<std::size_t>(cluster / 8)]) & (1U << cluster % 8)) == 0;
    }

private:
    Bytes bitmap_;
    std::uint64_t clusters_;
};

/// The content of `attribute`, whose parts were joined.  Holes are holes; what lies outside the volume, or in no run,
/// is unreadable.  With `free_only`, so is what is not free: the content of a deleted file.  Memory: 32 bytes a piece,
/// at most ext::max_runs of them; what lies behind is unreadable.
[[nodiscard]] io::SourcePtr make_stream(const io::SourcePtr& volume, const Geometry& geometry,
                                        const Attribute& attribute, const FreeClusters* free_only,
                                        const std::string& name);

/// Clusters below `end` that the runs of `attribute` have on the volume; hostile ones may name a cluster often.  Above
/// max_clusters it is not counted any further.
[[nodiscard]] std::uint64_t clusters_of(const Attribute& attribute, std::uint64_t end = ~std::uint64_t{0}) noexcept;
/// Clusters of the content that no run holds, or one that lies outside the volume.
[[nodiscard]] std::uint64_t clusters_without_place(const Attribute& attribute, const Geometry& geometry) noexcept;
/// Whether all of the content lies on the volume: no holes, and no end that was never written.
[[nodiscard]] bool is_stored_whole(const Attribute& attribute, const Geometry& geometry) noexcept;
/// Those that `free` knows of and are not free.  Takes as long as clusters_of says of as many.
[[nodiscard]] std::uint64_t clusters_taken(const Attribute& attribute, const FreeClusters& free) noexcept;

/// LZNT1: chunks of 4096 bytes, each packed or not, up to `most` bytes.  What is packed to less is followed by zeros.
/// Errors: malformed (where = offset in `packed`).  Spec: Microsoft, [MS-XCA] 2.5.
[[nodiscard]] Result<Bytes> unpack_lznt1(ByteView packed, std::size_t most);

} // namespace salvage::filesystem::ntfs
