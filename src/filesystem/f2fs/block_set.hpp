// Blocks of the volume, as ranges.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>

namespace salvage::filesystem::f2fs {

class BlockSet {
public:
    void add(std::uint64_t first, std::uint64_t count)
    {
        auto end = first + count;
        auto next = ranges_.upper_bound(first);
        if (next != ranges_.begin() && std::prev(next)->second >= first) {
            --next;
            first = next->first;
        }
        while (next != ranges_.end() && next->first <= end) {
            end = std::max(end, next->second);
            next = ranges_.erase(next);
        }
        ranges_.emplace(first, end);
    }

    [[nodiscard]] bool contains(std::uint64_t block) const
    {
        const auto next = ranges_.upper_bound(block);
        return next != ranges_.begin() && std::prev(next)->second > block;
    }

private:
    std::map<std::uint64_t, std::uint64_t> ranges_; ///< first block → the one behind the last
};

} // namespace salvage::filesystem::f2fs
