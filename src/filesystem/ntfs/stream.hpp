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
    /// `bitmap`: one bit a cluster, set where it is taken.  Bits that are missing count as taken.
    // cppcheck-suppress passedByValue
    explicit FreeClusters(Bytes bitmap) noexcept : bitmap_{std::move(bitmap)} {}
    [[nodiscard]] bool is_free(std::uint64_t cluster) const noexcept
    {
        return cluster / 8 < bitmap_.size() &&
               (std::to_integer<unsigned>(bitmap_[static_cast<std::size_t>(cluster / 8)]) & (1U << cluster % 8)) == 0;
    }

private:
    Bytes bitmap_;
};

/// The content of `attribute`, whose parts were joined.  Holes are holes; what lies outside the volume, or in no run,
/// is unreadable.  With `free_only`, so is what is not free: the content of a deleted file.
[[nodiscard]] io::SourcePtr make_stream(const io::SourcePtr& volume, const Geometry& geometry,
                                        const Attribute& attribute, const FreeClusters* free_only,
                                        const std::string& name);

/// Clusters that the runs of `attribute` have on the volume; hostile ones may name a cluster often.  Above max_clusters
/// it is not counted any further.
[[nodiscard]] std::uint64_t clusters_of(const Attribute& attribute) noexcept;
/// Those of them that are not free.  Takes as long as clusters_of says.
[[nodiscard]] std::uint64_t clusters_taken(const Attribute& attribute, const FreeClusters& free) noexcept;

/// LZNT1: chunks of 4096 bytes, each packed or not, up to `most` bytes.  What is packed to less is followed by zeros.
/// Errors: malformed (where = offset in `packed`).  Spec: Microsoft, [MS-XCA] 2.5.
[[nodiscard]] Result<Bytes> unpack_lznt1(ByteView packed, std::size_t most);

} // namespace salvage::filesystem::ntfs
