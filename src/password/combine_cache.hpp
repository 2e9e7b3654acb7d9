// Words of the outer part of a product, which are asked for again and again while the inner part runs.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "salvage/password/keyspace.hpp"

namespace salvage::password {

/// Gives words of a keyspace and keeps the blocks that were asked for last, so that neighbouring ranges do not read a
/// file anew for each.  An open-ended keyspace is asked for exactly what is wanted: it holds its own words, and reading
/// ahead would wait for them.  const, thread safe.
class OuterWords {
public:
    explicit OuterWords(KeyspacePtr words) : words_{std::move(words)} {}

    /// As Keyspace::candidates.
    Result<std::size_t> get(std::uint64_t first, std::span<Candidate> into) const;
    [[nodiscard]] const Keyspace& keyspace() const noexcept { return *words_; }

    /// Fills candidates of a product in which every outer word goes with the inner numbers [0, inner):
    /// number = word * inner + inner number.  `fill(word, at, part)`, a Result<>, makes those of one word from inner
    /// number `at` on.  As Keyspace::candidates, but for its range, which the caller has checked.
    template <typename Fill>
    Result<std::size_t> fill_product(std::uint64_t first, std::span<Candidate> into, std::uint64_t inner,
                                     const Fill& fill) const
    {
        if (into.empty()) {
            return std::size_t{0}; // where there is nothing inside, too
        }
        const auto first_word = first / inner;
        const auto last_word = (first + (into.size() - 1)) / inner;
        std::vector<Candidate> words(static_cast<std::size_t>(last_word - first_word) + 1);
        const auto got = SALVAGE_TRY(get(first_word, words));
        std::size_t filled = 0;
        auto at = first % inner;
        for (const auto& word : std::span{words}.first(got)) {
            const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(into.size() - filled, inner - at));
            SALVAGE_TRY(fill(word, at, into.subspan(filled, count)));
            filled += count;
            at = 0;
        }
        return filled;
    }

private:
    static constexpr std::uint64_t block_words = 256;
    struct Block {
        std::uint64_t number{};
        std::vector<Candidate> words;
    };
    using BlockPtr = std::shared_ptr<const Block>;

    Result<BlockPtr> block(std::uint64_t number) const;

    KeyspacePtr words_;
    mutable std::mutex mutex_;
    mutable std::array<BlockPtr, 4> kept_; ///< youngest first
};

} // namespace salvage::password
