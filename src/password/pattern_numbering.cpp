// Counting tables of patterns; the idea stands in the header.
#include "password/pattern_numbering.hpp"

#include <algorithm>
#include <bit>
#include <span>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::password {
namespace {

/// Enough for all of 4x4, 10 dots on 5x5 and 8 on 6x6; more than that no search gets through anyway.
constexpr ByteCount max_tables{256U << 20U};

/// Smallest larger number with as many bits set (Gosper).  Requires: bits != 0.
constexpr DotSet next_set_of_same_size(DotSet bits) noexcept
{
    const auto lowest = bits & (~bits + 1);
    const auto ripple = bits + lowest;
    return ripple | (((bits ^ ripple) >> 2U) >> std::countr_zero(bits));
}

/// Calls with every dot of a set, lowest first.
template <typename Use>
void for_each_dot(DotSet dots, const Use& use)
{
    for (; dots != 0; dots &= dots - 1) {
        use(static_cast<unsigned>(std::countr_zero(dots)));
    }
}

} // namespace

Result<> check_side(unsigned side)
{
    if (side < smallest_side || side > largest_side) {
        return invalid_argument("there is no pattern grid of that size", fmt::format("asked for {0} x {0} dots", side),
                                "grids have 3 to 6 dots a side");
    }
    return {};
}

PatternNumbering::PatternNumbering(unsigned side, unsigned min_dots, unsigned max_dots)
    : grid_{side}, min_dots_{min_dots}, max_dots_{max_dots}, choose_(grid_.dots() + 1)
{
    for (unsigned n = 0; n <= grid_.dots(); ++n) {
        choose_[n].assign(max_dots + 1, 0);
        choose_[n][0] = 1;
        for (unsigned k = 1; k <= std::min(n, max_dots); ++k) {
            choose_[n][k] = choose_[n - 1][k - 1] + choose_[n - 1][k];
        }
    }
}

Result<PatternNumbering> PatternNumbering::make(unsigned side, unsigned min_dots, unsigned max_dots)
{
    SALVAGE_TRY(check_side(side));
    if (min_dots < shortest_pattern || min_dots > max_dots || max_dots > side * side) {
        return invalid_argument("there are no patterns of that length",
                                fmt::format("asked for {} to {} dots on {}x{}", min_dots, max_dots, side, side),
                                fmt::format("a pattern has {} to {} dots there", shortest_pattern, side * side));
    }
    PatternNumbering out{side, min_dots, max_dots};
    SALVAGE_TRY(out.size_levels());
    for (auto set_size = max_dots - 2; set_size > 0; --set_size) {
        out.fill_level(set_size);
    }
    out.fill_totals();
    return out;
}

Result<> PatternNumbering::size_levels()
{
    levels_.resize(max_dots_ - 1);
    std::uint64_t entries = 0;
    for (unsigned set_size = 1; set_size + 2 <= max_dots_; ++set_size) {
        auto& level = levels_[set_size];
        level.first_rest = std::max(2U, min_dots_ > set_size ? min_dots_ - set_size : 0U);
        level.rests = max_dots_ - set_size + 1 - level.first_rest;
        // At most C(36, 18) * 36 * 36 a level: far below 2^64.
        entries += choose_[grid_.dots()][set_size] * set_size * level.rests;
    }
    if (entries > max_tables.value / sizeof(std::uint64_t)) {
        return unsupported(
            fmt::format("patterns of up to {0} dots on {1}x{1} cannot be numbered", max_dots_, grid_.side()),
            fmt::format("the tables would take {}, the bound is {}",
                        format_size(ByteCount{entries * sizeof(std::uint64_t)}), format_size(max_tables)),
            "ask for fewer dots, or for one length at a time");
    }
    for (unsigned set_size = 1; set_size + 2 <= max_dots_; ++set_size) {
        auto& level = levels_[set_size];
        level.counts.assign(choose_[grid_.dots()][set_size] * set_size * level.rests, 0);
    }
    return {};
}

void PatternNumbering::fill_level(unsigned set_size)
{
    auto& level = levels_[set_size];
    std::size_t row = 0;
    auto visited = (DotSet{1} << set_size) - 1;
    // Numeric order of the sets is their order in the combinatorial number system, so rows are filled one after
    // another.
    for (auto left = choose_[grid_.dots()][set_size]; left > 0; --left) {
        for_each_dot(visited, [&](unsigned last) { fill_row(visited, last, level, row++); });
        if (left > 1) {
            visited = next_set_of_same_size(visited);
        }
    }
}

void PatternNumbering::fill_row(DotSet visited, unsigned last, Level& level, std::size_t row) const
{
    const auto into = std::span{level.counts}.subspan(row * level.rests, level.rests);
    const auto all = dot_bit(grid_.dots()) - 1;
    for_each_dot(all & ~visited, [&](unsigned next) {
        if (!grid_.is_step_legal(visited, last, next)) {
            return;
        }
        const auto longer = visited | dot_bit(next);
        auto rest = into;
        if (level.first_rest == 2) { // one dot more after `next`: counted, not stored
            rest.front() += next_dots(longer, next);
            rest = rest.subspan(1);
        }
        if (rest.empty()) {
            return;
        }
        // What is left are neighbours in the next level's row as well; looking it up is the costly part.
        const auto& deeper = levels_[static_cast<std::size_t>(std::popcount(longer))];
        const auto first_rest = level.first_rest + level.rests - static_cast<unsigned>(rest.size()) - 1;
        const auto from = row_of(longer, next) * deeper.rests + (first_rest - deeper.first_rest);
        for (std::size_t i = 0; i < rest.size(); ++i) {
            rest[i] += deeper.counts[from + i];
        }
    });
}

void PatternNumbering::fill_totals()
{
    for (auto length = min_dots_; length <= max_dots_; ++length) {
        std::uint64_t total = 0;
        for (unsigned dot = 0; dot < grid_.dots(); ++dot) {
            total += ways(dot_bit(dot), dot, length - 1);
        }
        totals_.push_back(total);
        size_ += total;
    }
}

std::uint64_t PatternNumbering::place_of(DotSet visited) const noexcept
{
    std::uint64_t place = 0;
    std::size_t i = 1;
    for_each_dot(visited, [&](unsigned dot) { place += choose_[dot][i++]; });
    return place;
}

std::size_t PatternNumbering::row_of(DotSet visited, unsigned last) const noexcept
{
    const auto set_size = static_cast<std::size_t>(std::popcount(visited));
    const auto position = static_cast<std::size_t>(std::popcount(visited & (dot_bit(last) - 1)));
    return place_of(visited) * set_size + position;
}

std::uint64_t PatternNumbering::next_dots(DotSet visited, unsigned last) const noexcept
{
    std::uint64_t count = 0;
    for_each_dot((dot_bit(grid_.dots()) - 1) & ~visited,
                 [&](unsigned next) { count += grid_.is_step_legal(visited, last, next) ? 1U : 0U; });
    return count;
}

std::uint64_t PatternNumbering::ways(DotSet visited, unsigned last, unsigned rest) const noexcept
{
    if (rest == 0) {
        return 1;
    }
    if (rest == 1) {
        return next_dots(visited, last);
    }
    const auto& level = levels_[static_cast<std::size_t>(std::popcount(visited))];
    return level.counts[row_of(visited, last) * level.rests + (rest - level.first_rest)];
}

std::uint64_t PatternNumbering::number_of(const Dots& pattern) const
{
    std::uint64_t number = 0;
    const auto length = static_cast<unsigned>(pattern.size());
    for (auto shorter = min_dots_; shorter < length; ++shorter) {
        number += size_of_length(shorter);
    }
    for (unsigned place = 0; grid_.start(place) != pattern.front(); ++place) {
        number += ways(dot_bit(grid_.start(place)), grid_.start(place), length - 1);
    }
    auto visited = dot_bit(pattern.front());
    for (unsigned i = 1; i < length; ++i) {
        for (unsigned dot = 0; dot < pattern[i]; ++dot) {
            const bool is_free = (visited & dot_bit(dot)) == 0;
            if (is_free && grid_.is_step_legal(visited, pattern[i - 1], dot)) {
                number += ways(visited | dot_bit(dot), dot, length - i - 1);
            }
        }
        visited |= dot_bit(pattern[i]);
    }
    return number;
}

} // namespace salvage::password
