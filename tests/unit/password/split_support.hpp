// The promise of every keyspace, checked: any split covers each candidate exactly once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "keyspace_support.hpp"

namespace salvage::password::test {

/// The keyspace read in random pieces, in a random order of the pieces, put together again.
inline std::vector<std::string> in_random_pieces(const Keyspace& keyspace, std::uint64_t seed)
{
    std::mt19937_64 random{seed};
    const auto size = keyspace.size().value;
    std::vector<std::uint64_t> cuts{0, size};
    for (unsigned i = 0; i < 12; ++i) {
        cuts.push_back(std::uniform_int_distribution<std::uint64_t>{0, size}(random));
    }
    std::ranges::sort(cuts);
    std::vector<std::size_t> order(cuts.size() - 1);
    for (std::size_t i = 0; i < order.size(); ++i) {
        order[i] = i;
    }
    std::ranges::shuffle(order, random);
    std::vector<std::string> out(static_cast<std::size_t>(size));
    for (const auto piece : order) {
        const auto first = static_cast<std::size_t>(cuts[piece]);
        auto part = at_once(keyspace, first, static_cast<std::size_t>(cuts[piece + 1]) - first);
        std::ranges::move(part, out.begin() + static_cast<std::ptrdiff_t>(first));
    }
    return out;
}

/// For keyspaces that fit in memory and promise each candidate once.
inline void expect_every_split_covers_each_once(const Keyspace& keyspace)
{
    const auto whole = at_once(keyspace, 0, static_cast<std::size_t>(keyspace.size().value));
    for (const std::uint64_t seed : {1U, 2U, 3U, 4U, 5U}) {
        EXPECT_EQ(in_random_pieces(keyspace, seed), whole) << "seed " << seed;
    }
    auto sorted = whole;
    std::ranges::sort(sorted);
    const auto twice = std::ranges::adjacent_find(sorted);
    EXPECT_TRUE(twice == sorted.end()) << (twice == sorted.end() ? "" : *twice) << " comes twice";
    EXPECT_TRUE(salvage::test::fails_with(candidate_at(keyspace, keyspace.size().value), ErrorCode::internal));
}

} // namespace salvage::password::test
