// The number of every legal pattern of a grid: shorter patterns first, then by where they start (likely dots first),
// then by their dots in order.  The way back is PatternWalk's.
#pragma once

#include <cstdint>
#include <vector>

#include "password/pattern_grid.hpp"
#include "password/pattern_walk.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/units.hpp"

namespace salvage::password {

/// How it works: for a set of visited dots and the last of them, the number of ways to go on for `r` more dots depends
/// on nothing else.  Tables hold these counts for every set of up to max_dots - 2 dots; a pattern's number is the sum
/// of the counts of all that come before it.
///
/// A set of k dots has the place  sum of C(b_i, i + 1)  over its bits b_0 < b_1 < … among all sets of k dots
/// (combinatorial number system), so the tables are dense arrays without keys.  const, thread safe.
class PatternNumbering {
public:
    /// Errors: invalid_argument; unsupported (the tables would take over 256 MiB).
    [[nodiscard]] static Result<PatternNumbering> make(unsigned side, unsigned min_dots, unsigned max_dots);

    // For PatternWalk.
    static constexpr DeadEnds dead_ends = DeadEnds::are_short;
    [[nodiscard]] const PatternGrid& grid() const noexcept { return grid_; }
    [[nodiscard]] static DrawnState after(const DrawnState& state, unsigned dot) noexcept
    {
        return {.visited = state.visited | dot_bit(dot), .last = dot};
    }
    [[nodiscard]] std::uint64_t ways(const DrawnState& state, unsigned rest) const noexcept
    {
        return ways(state.visited, state.last, rest);
    }

    [[nodiscard]] unsigned min_dots() const noexcept { return min_dots_; }
    [[nodiscard]] unsigned max_dots() const noexcept { return max_dots_; }
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    /// Number of patterns of exactly `dots` dots.  Requires: min_dots <= dots <= max_dots.
    [[nodiscard]] std::uint64_t size_of_length(unsigned dots) const noexcept { return totals_[dots - min_dots_]; }

    /// Requires: a legal pattern of min_dots to max_dots.
    [[nodiscard]] std::uint64_t number_of(const Dots& pattern) const;

private:
    PatternNumbering(unsigned side, unsigned min_dots, unsigned max_dots);

    /// Table of all sets of one size: for each set and each of its dots as the last, counts for first_rest … more dots.
    struct Level {
        unsigned first_rest{};
        unsigned rests{};
        std::vector<std::uint64_t> counts;
    };

    [[nodiscard]] std::uint64_t place_of(DotSet visited) const noexcept;
    [[nodiscard]] std::size_t row_of(DotSet visited, unsigned last) const noexcept;
    /// Ways to go on for `rest` more dots.
    [[nodiscard]] std::uint64_t ways(DotSet visited, unsigned last, unsigned rest) const noexcept;
    [[nodiscard]] std::uint64_t next_dots(DotSet visited, unsigned last) const noexcept;
    [[nodiscard]] Result<> size_levels();
    void fill_level(unsigned set_size);
    void fill_row(DotSet visited, unsigned last, Level& level, std::size_t row) const;
    void fill_totals();

    PatternGrid grid_;
    unsigned min_dots_;
    unsigned max_dots_;
    std::vector<std::vector<std::uint64_t>> choose_; ///< choose_[n][k]
    std::vector<Level> levels_;                      ///< levels_[k]: sets of k dots; empty where nothing is stored
    std::vector<std::uint64_t> totals_;              ///< by length, from min_dots_
    std::uint64_t size_{};
};

} // namespace salvage::password
