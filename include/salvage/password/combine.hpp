// Words put together from two keyspaces: hashcat's combinator (-a 1) and both hybrids (-a 6, -a 7).
#pragma once

#include <optional>

#include "salvage/core/result.hpp"
#include "salvage/password/keyspace.hpp"
#include "salvage/password/rules.hpp"

namespace salvage::password {

struct CombinatorOptions {
    std::optional<Rule> left_rule{};  ///< -j: applied to the left word before it is put together
    std::optional<Rule> right_rule{}; ///< -k
};

/// Every left word followed by every right word: candidate number = left * right.size() + right.  A hybrid is a word
/// list and a mask, either way round.
///
/// Both parts of a candidate over max_word_bytes, or a part that its rule rejects: a rejected candidate.  The left part
/// may be open-ended.  Memory: the right words where they are few (16 MiB at most), blocks of words otherwise.
/// Errors: invalid_argument (more than 2^64 candidates; an open-ended right part); those of right.candidates().
[[nodiscard]] Result<KeyspacePtr> make_combinator(KeyspacePtr left, KeyspacePtr right,
                                                  const CombinatorOptions& options = {});

} // namespace salvage::password
