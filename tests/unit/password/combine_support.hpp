// Reading keyspaces that reject some of their numbers, in pieces and by many threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "salvage/password/keyspace.hpp"
#include "support/assert_result.hpp"

namespace salvage::password::test {

/// Nothing stands for a rejected candidate.
using Words = std::vector<std::optional<std::string>>;

inline std::optional<std::string> word_of(const Candidate& candidate)
{
    return candidate.is_rejected ? std::nullopt : std::optional{candidate.bytes};
}

/// Candidates [first, first + count), as many as there are.
inline Words words_of(const Keyspace& keyspace, std::uint64_t first, std::size_t count)
{
    // What stood in the span before must not show through.
    std::vector<Candidate> block(count, Candidate{.bytes = "stale", .is_rejected = true});
    const auto filled = keyspace.candidates(first, block);
    EXPECT_TRUE(salvage::test::is_ok(filled)) << "candidates from " << first;
    block.resize(filled.value_or(0));
    Words out;
    std::ranges::transform(block, std::back_inserter(out), word_of);
    return out;
}

inline Words words_of(const Keyspace& keyspace)
{
    return words_of(keyspace, 0, static_cast<std::size_t>(keyspace.size().value));
}

/// [0, size) in random pieces of at most `longest`, each asked for by one of four threads, put together again.
inline Words in_pieces_by_threads(const Keyspace& keyspace, std::size_t size, std::size_t longest, std::uint64_t seed)
{
    struct Piece {
        std::size_t first{};
        std::size_t count{};
    };
    std::mt19937_64 random{seed};
    std::vector<Piece> pieces;
    for (std::size_t at = 0; at < size; at += pieces.back().count) {
        const auto most = std::min(longest, size - at);
        pieces.push_back({.first = at, .count = std::uniform_int_distribution<std::size_t>{1, most}(random)});
    }
    std::ranges::shuffle(pieces, random);
    Words out(size);
    std::atomic<std::size_t> next{0};
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (auto mine = next++; mine < pieces.size(); mine = next++) {
                const auto words = words_of(keyspace, pieces[mine].first, pieces[mine].count);
                EXPECT_EQ(words.size(), pieces[mine].count);
                std::ranges::copy(words, out.begin() + static_cast<std::ptrdiff_t>(pieces[mine].first));
            }
        });
    }
    threads.clear();
    return out;
}

} // namespace salvage::password::test
