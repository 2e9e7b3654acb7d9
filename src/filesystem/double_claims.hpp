// Deleted files that want the same clusters: one was written over the other, and nobody says which.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace salvage::filesystem {

/// Clusters that a deleted file wants: [start, end).
struct Claim {
    std::uint64_t start{};
    std::uint64_t end{};
    std::size_t file{};
};

/// Calls `both(one, other)` so that each file that shares clusters with another one is named at least once.
template <typename Both>
void for_double_claims(std::vector<Claim> claims, Both both)
{
    std::ranges::sort(claims, {}, &Claim::start);
    std::size_t widest = 0;
    for (std::size_t i = 1; i < claims.size(); ++i) {
        if (claims[i].start < claims[widest].end && claims[i].file != claims[widest].file) {
            both(claims[widest].file, claims[i].file);
        }
        if (claims[i].end > claims[widest].end) {
            widest = i;
        }
    }
}

} // namespace salvage::filesystem
