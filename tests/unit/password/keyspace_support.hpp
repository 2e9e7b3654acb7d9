// Reading keyspaces in tests.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "salvage/password/keyspace.hpp"
#include "support/assert_result.hpp"

namespace salvage::password::test {

/// Candidates [first, first + count), asked for one by one.
inline std::vector<std::string> one_by_one(const Keyspace& keyspace, std::uint64_t first, std::size_t count)
{
    std::vector<std::string> out(count);
    for (std::size_t i = 0; i < count; ++i) {
        auto got = candidate_at(keyspace, first + i);
        EXPECT_TRUE(salvage::test::is_ok(got)) << "candidate " << first + i;
        if (got.has_value()) {
            EXPECT_FALSE(got->is_rejected) << "candidate " << first + i;
            out[i] = std::move(got->bytes);
        }
    }
    return out;
}

/// The same, asked for at once.
inline std::vector<std::string> at_once(const Keyspace& keyspace, std::uint64_t first, std::size_t count)
{
    std::vector<Candidate> filled(count);
    const auto got = keyspace.candidates(first, filled);
    EXPECT_TRUE(salvage::test::is_ok(got)) << "candidates from " << first;
    EXPECT_EQ(got.value_or(0), count);
    std::vector<std::string> out;
    for (auto& candidate : filled) {
        EXPECT_FALSE(candidate.is_rejected);
        out.push_back(std::move(candidate.bytes));
    }
    return out;
}

inline std::vector<std::string> all_of(const Keyspace& keyspace)
{
    return one_by_one(keyspace, 0, static_cast<std::size_t>(keyspace.size().value));
}

} // namespace salvage::password::test
