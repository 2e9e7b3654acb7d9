// The dots of an unlock pattern and the one rule of drawing: a dot on the straight way between two others cannot be
// jumped over unless it is part of the pattern already.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <utility>
#include <vector>

#include "salvage/core/result.hpp"

namespace salvage::password {

/// Dots counted row by row from 0.
using Dots = std::vector<std::uint8_t>;
/// A set of dots, one bit each.
using DotSet = std::uint64_t;

inline constexpr unsigned smallest_side = 3;
inline constexpr unsigned largest_side = 6;     // CyanogenMod's largest; 36 dots fit a DotSet
inline constexpr unsigned shortest_pattern = 4; // Android's own minimum

[[nodiscard]] constexpr DotSet dot_bit(unsigned dot) noexcept
{
    return DotSet{1} << dot;
}

/// Where people begin, lowest first: top left, the corners in reading order, edges, the middle (docs/pin-order.md).
[[nodiscard]] constexpr unsigned start_rank(unsigned dot, unsigned side) noexcept
{
    const auto last = side - 1;
    const bool is_row_end = dot / side == 0 || dot / side == last;
    const bool is_column_end = dot % side == 0 || dot % side == last;
    if (is_row_end && is_column_end) {
        const auto is_bottom = dot / side == last;
        const auto is_right = dot % side == last;
        return (is_bottom ? 2U : 0U) + (is_right ? 1U : 0U);
    }
    return is_row_end || is_column_end ? 4 : 5;
}

/// Errors: invalid_argument (there is no grid of so many dots a side).
[[nodiscard]] Result<> check_side(unsigned side);

/// A square grid with the dots between every two of its dots.
class PatternGrid {
public:
    /// Requires: smallest_side <= side <= largest_side.
    explicit PatternGrid(unsigned side) : side_{side}
    {
        std::iota(starts_.begin(), starts_.begin() + dots(), std::uint8_t{0});
        std::ranges::sort(starts_.begin(), starts_.begin() + dots(), {},
                          [&](std::uint8_t dot) { return std::pair{start_rank(dot, side_), dot}; });
        for (unsigned from = 0; from < dots(); ++from) {
            for (unsigned to = 0; to < dots(); ++to) {
                between_.at(from).at(to) = dots_between(from, to);
            }
        }
    }

    [[nodiscard]] unsigned side() const noexcept { return side_; }
    [[nodiscard]] unsigned dots() const noexcept { return side_ * side_; }

    /// The `place`-th likely dot to begin with.  Requires: place < dots().
    [[nodiscard]] unsigned start(unsigned place) const noexcept { return starts_[place]; }

    /// Whether a pattern of the dots `visited` that ends in `from` may go on to `to`.
    [[nodiscard]] bool is_step_legal(DotSet visited, unsigned from, unsigned to) const noexcept
    {
        return (visited & dot_bit(to)) == 0 && (between_[from][to] & ~visited) == 0;
    }

    /// Whether the whole pattern can be drawn (of any length, dots within the grid).
    [[nodiscard]] bool is_legal(const Dots& pattern) const noexcept
    {
        DotSet visited = 0;
        for (std::size_t i = 0; i < pattern.size(); ++i) {
            if (pattern[i] >= dots() || (visited & dot_bit(pattern[i])) != 0) {
                return false;
            }
            if (i > 0 && !is_step_legal(visited, pattern[i - 1], pattern[i])) {
                return false;
            }
            visited |= dot_bit(pattern[i]);
        }
        return true;
    }

private:
    static constexpr std::size_t most_dots = std::size_t{largest_side} * largest_side;

    [[nodiscard]] DotSet dots_between(unsigned from, unsigned to) const noexcept
    {
        const auto side = static_cast<int>(side_);
        const auto start = static_cast<int>(from);
        const auto rows = static_cast<int>(to) / side - start / side;
        const auto columns = static_cast<int>(to) % side - start % side;
        const auto steps = std::gcd(std::abs(rows), std::abs(columns));
        DotSet out = 0;
        for (int i = 1; i < steps; ++i) {
            out |= dot_bit(static_cast<unsigned>(start + (rows / steps * side + columns / steps) * i));
        }
        return out;
    }

    unsigned side_;
    std::array<std::uint8_t, most_dots> starts_{};
    std::array<std::array<DotSet, most_dots>, most_dots> between_{};
};

} // namespace salvage::password
