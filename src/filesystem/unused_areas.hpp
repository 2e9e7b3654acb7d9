// Areas of a volume that hold nothing, listed within a bound.
#pragma once

#include <cstdint>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/core/units.hpp"

namespace salvage::filesystem {

/// At most this many areas are listed: 128 MiB.
constexpr std::size_t max_unused_areas = 1U << 23U;

/// Appends `area`, joined to the last one where it follows it.  Errors: unsupported (more than max_unused_areas).
Result<> append_area(std::vector<ByteRange>& areas, ByteRange area);

/// Free clusters of `clusters` that lie one behind the other from `first` on: `is_free` is asked of each by its number
/// from 0.  Errors: as append_area.
template <typename IsFree>
Result<std::vector<ByteRange>> free_areas(std::uint64_t clusters, ByteOffset first, std::uint64_t cluster_bytes,
                                          IsFree is_free)
{
    std::vector<ByteRange> out;
    for (std::uint64_t i = 0; i < clusters; ++i) {
        if (is_free(i)) {
            const auto start = first + ByteCount{i * cluster_bytes};
            SALVAGE_TRY(append_area(out, ByteRange::between(start, start + ByteCount{cluster_bytes})));
        }
    }
    return out;
}

} // namespace salvage::filesystem
