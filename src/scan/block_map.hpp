// What each block of a dump looks like: zero, unreadable, how random.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/scan/scan.hpp"

namespace salvage::scan {

/// Takes a range piece by piece, in order and without gaps, and sums up its blocks.
class BlockMap {
public:
    /// `block` is doubled until there are at most max_blocks.  Requires: block is not 0.
    BlockMap(ByteRange range, ByteCount block, bool with_entropy);

    void add_bytes(ByteView bytes);
    void add_hole(ByteCount size);
    void add_unreadable(ByteCount size);

    [[nodiscard]] ByteCount block() const noexcept { return block_; }
    /// Bytes of whole zero blocks and of holes, so far.
    [[nodiscard]] ByteCount zero_bytes() const noexcept { return zero_bytes_; }
    /// Requires: the whole range was added.
    [[nodiscard]] std::vector<BlockSummary> take_blocks() && { return std::move(blocks_); }

    /// The input's size may ask for any number of blocks; this many take 8 MiB.
    static constexpr std::uint64_t max_blocks = 1U << 20U;

private:
    /// One counter a byte value; four of them, so that a run of one value does not wait for itself.
    using Histogram = std::array<std::array<std::uint32_t, 256>, 4>;

    template <typename Add>
    void add_by_block(std::uint64_t size, Add add);
    /// Calls `take` with each sampled range of [from, to), counted from the block's start.
    template <typename Take>
    void for_samples(std::uint64_t from, std::uint64_t to, Take take) const;
    void count(ByteView bytes);
    void close_block();
    [[nodiscard]] float entropy() const;

    ByteCount block_;
    std::uint64_t left_;         ///< bytes of the range that were not added yet
    std::uint64_t sample_every_; ///< one cell of so many is sampled
    bool with_entropy_;
    std::vector<BlockSummary> blocks_;
    ByteCount zero_bytes_;
    // The block under way.
    std::uint64_t filled_{0};
    std::uint64_t holes_{0};
    bool is_zero_{true};
    bool is_unreadable_{false};
    Histogram histogram_{};
};

} // namespace salvage::scan
