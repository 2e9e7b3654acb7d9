// The words of a stream that are still at hand.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/units.hpp"
#include "salvage/password/keyspace.hpp"

namespace salvage::password {

/// Words by number, in blocks.  Not thread safe.
class StreamWindow {
public:
    explicit StreamWindow(ByteCount limit) : limit_{limit.value} {}

    /// The next word; a rejected one has no bytes.
    void add(std::string_view word, bool is_rejected);
    /// Copies words [first, …) for as long as they are at hand, `into` has room and a block goes; marks them as handed
    /// out.  0: word `first` is not there.
    std::size_t give(std::uint64_t first, std::span<Candidate> into);

    [[nodiscard]] std::uint64_t words() const noexcept { return words_; } ///< added so far
    [[nodiscard]] std::uint64_t rejected() const noexcept { return rejected_; }

private:
    struct Block {
        std::uint64_t first{};
        std::string text;
        std::vector<std::uint32_t> ends; ///< of words in text
        std::vector<bool> is_rejected;
        std::vector<bool> is_given;
        std::size_t given{};
        [[nodiscard]] bool is_done() const noexcept { return given == ends.size(); }
        [[nodiscard]] std::uint64_t bytes() const noexcept { return text.size() + ends.size() * bytes_a_word; }
    };
    static constexpr std::size_t block_words = 4096;
    static constexpr std::size_t block_bytes = std::size_t{1} << 18U;
    static constexpr std::uint64_t bytes_a_word = 5; ///< besides its text

    void begin_block();
    Block* find(std::uint64_t number);

    std::uint64_t limit_;
    std::uint64_t words_{0};
    std::uint64_t rejected_{0};
    std::uint64_t bytes_{0};   ///< of all blocks but the last
    std::deque<Block> blocks_; ///< by number, with gaps
};

} // namespace salvage::password
