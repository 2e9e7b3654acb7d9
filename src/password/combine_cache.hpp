// Words of the outer part of a product, which are asked for again and again while the inner part runs.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
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
