// The filters' inner loops: skip what cannot be a hit, fast.  A kernel may report places that are no hits, and never
// misses one; its caller compares all bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "salvage/core/bytes.hpp"
#include "salvage/scan/isa.hpp"

namespace salvage::scan {

/// One pattern: two of its bytes, the rarer ones, at a fixed distance.
struct PairFilter {
    std::byte first{};
    std::byte second{};
    std::size_t distance{}; ///< from first to second
};

/// Many patterns: a window of three bytes of each.  The patterns lie in eight buckets, one bit each; a byte's low and
/// high half look up in which buckets it may stand at a window position, and what is left after six look-ups ANDed
/// together are the buckets that may have a window here.
struct WindowFilter {
    static constexpr std::size_t window = 3;
    static constexpr std::size_t buckets = 8;
    using HalfTable = std::array<std::uint8_t, 16>;
    alignas(16) std::array<HalfTable, window> low{};
    alignas(16) std::array<HalfTable, window> high{};
    /// The same by a byte's low six bits, for processors that look up 64 entries at once: lets a little more through.
    alignas(64) std::array<std::array<std::uint8_t, 64>, window> low_six{};

    /// The same by the whole byte, for the portable kernel: exact.
    std::array<std::array<std::uint8_t, 256>, window> whole{};

    /// Lets `value` stand at `position` of the window for the patterns of `bucket`.
    void allow(std::size_t position, std::byte value, std::size_t bucket) noexcept
    {
        const auto number = std::to_integer<std::size_t>(value);
        const auto bit = static_cast<std::uint8_t>(1U << bucket);
        low.at(position).at(number & 0xFU) |= bit;
        high.at(position).at(number >> 4U) |= bit;
        low_six.at(position).at(number & 0x3FU) |= bit;
        whole.at(position).at(number) |= bit;
    }
};

/// Places that may be hits: bit i of `mask` stands for `at` + i.  An empty mask: none before `next`.
struct Places {
    std::size_t at{};
    std::uint64_t mask{};
    std::size_t next{}; ///< where to go on
};

/// Looks at places from `from` on, for as long as a place and the bytes its filter looks at lie in `bytes`; stops at
/// the first that may be hits.  The portable ones look at all such places; those of an instruction set stop up to 128
/// before the last one.  Requires: from <= bytes.size().
using PairKernel = Places (*)(const PairFilter& filter, ByteView bytes, std::size_t from);
using WindowKernel = Places (*)(const WindowFilter& filter, ByteView bytes, std::size_t from);

[[nodiscard]] PairKernel pair_kernel(Isa isa) noexcept;
[[nodiscard]] WindowKernel window_kernel(Isa isa) noexcept;

Places pair_portable(const PairFilter& filter, ByteView bytes, std::size_t from);
Places window_portable(const WindowFilter& filter, ByteView bytes, std::size_t from);
#if defined(__x86_64__)
Places pair_avx2(const PairFilter& filter, ByteView bytes, std::size_t from);
Places window_avx2(const WindowFilter& filter, ByteView bytes, std::size_t from);
Places pair_avx512(const PairFilter& filter, ByteView bytes, std::size_t from);
Places window_avx512(const WindowFilter& filter, ByteView bytes, std::size_t from);
#endif

} // namespace salvage::scan
