// Numbers below a total, a chosen few first: the list in its own order, then every other number in numeric order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace salvage::password {

/// Index -> number, each number of [0, total) exactly once.  16 bytes of memory for each number of the list.
class RankedFirst {
public:
    /// Requires: `ranked` holds no number twice and none that is not below `total`.
    RankedFirst(std::vector<std::uint64_t> ranked, std::uint64_t total)
        : ranked_{std::move(ranked)}, sorted_{ranked_}, total_{total}
    {
        std::ranges::sort(sorted_);
    }

    [[nodiscard]] std::uint64_t size() const noexcept { return total_; }

    /// Requires: index < size().  O(log of the list).
    [[nodiscard]] std::uint64_t at(std::uint64_t index) const noexcept
    {
        return index < ranked_.size() ? ranked_[index] : absent(index - ranked_.size());
    }

    /// The numbers of the list, in numeric order.
    [[nodiscard]] std::span<const std::uint64_t> ranked_numbers() const noexcept { return sorted_; }

private:
    /// The k-th number that is not in the list.  Below sorted_[j] lie sorted_[j] - j such numbers, which never falls as
    /// j grows; so the answer is k plus the count of j for which that is at most k.
    [[nodiscard]] std::uint64_t absent(std::uint64_t k) const noexcept
    {
        std::uint64_t low = 0;
        std::uint64_t high = sorted_.size();
        while (low < high) {
            const auto middle = low + (high - low) / 2;
            if (sorted_[middle] - middle <= k) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return k + low;
    }

    std::vector<std::uint64_t> ranked_;
    std::vector<std::uint64_t> sorted_;
    std::uint64_t total_;
};

} // namespace salvage::password
