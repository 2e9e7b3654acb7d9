// A half-remembered pattern: which dots are known, and where others may stand.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "password/pattern_grid.hpp"
#include "password/pattern_walk.hpp"
#include "salvage/core/result.hpp"

namespace salvage::password {

/// "1-?-*-8": known dots and unknown ones (`?`) in order, with any number of dots where a `*` stands.
///
/// A template is matched dot by dot.  A set of places says how many of its dots may have been used up so far: bit i for
/// "i of them".  One set follows from another and a dot, so that a pattern has one way through, and is counted once.
class PatternTemplate {
public:
    /// Errors: invalid_argument, which name no dot.
    [[nodiscard]] static Result<PatternTemplate> parse(std::string_view dashed, unsigned side);

    /// Places after one dot more.  0: does not fit, or a dot that is still to come was used up.
    [[nodiscard]] std::uint64_t places_after(std::uint64_t places, DotSet visited, unsigned dot) const noexcept;
    [[nodiscard]] bool is_complete(std::uint64_t places) const noexcept { return (places >> dots_.size() & 1U) != 0; }

    [[nodiscard]] unsigned min_dots() const noexcept { return static_cast<unsigned>(dots_.size()); }
    [[nodiscard]] bool has_star() const noexcept { return stars_ != 0; }

private:
    static constexpr std::uint8_t unknown = 0xFF;

    std::vector<std::uint8_t> dots_;       ///< from 0, or `unknown`
    std::uint64_t stars_{0};               ///< bit i: any number of dots after i of dots_
    std::array<std::uint64_t, 36> fits_{}; ///< by dot: bit i where it can be dots_[i]
    std::vector<DotSet> still_needed_;     ///< by place: known dots from there on

    /// A dot, `?` or `*`.
    [[nodiscard]] Result<> add(std::string_view part, unsigned side);
    void prepare();
};

/// Every pattern that a template fits as a number and back.  Same idea as PatternNumbering, with the place in the
/// template beside the dots that were visited; only what the template leads to is kept, in a hash table.
/// const, thread safe.
class TemplateNumbering {
public:
    /// Errors: invalid_argument (nothing fits); unsupported (too open for the grid).
    [[nodiscard]] static Result<TemplateNumbering> make(PatternTemplate pattern, unsigned side);

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    [[nodiscard]] unsigned min_dots() const noexcept { return min_dots_; }
    [[nodiscard]] unsigned max_dots() const noexcept { return max_dots_; }
    [[nodiscard]] std::uint64_t size_of_length(unsigned dots) const noexcept { return totals_[dots - min_dots_]; }

    // For PatternWalk.
    static constexpr DeadEnds dead_ends = DeadEnds::are_counted;
    [[nodiscard]] const PatternGrid& grid() const noexcept { return grid_; }
    [[nodiscard]] DrawnState after(const DrawnState& state, unsigned dot) const noexcept
    {
        const auto visited = state.visited | dot_bit(dot);
        const auto places = pattern_.places_after(state.places, visited, dot);
        return {.visited = places == 0 ? 0 : visited, .places = places, .last = dot};
    }
    /// Requires: a state that is reached from the start.
    [[nodiscard]] std::uint64_t ways(const DrawnState& state, unsigned rest) const;

private:
    struct Key {
        DotSet visited{};
        std::uint64_t places{};
        unsigned last{};
        bool operator==(const Key&) const = default;
    };
    struct KeyHash {
        std::size_t operator()(const Key& key) const noexcept;
    };

    TemplateNumbering(PatternTemplate pattern, unsigned side, unsigned min_dots, unsigned max_dots);

    /// Number of different rests that matter after so many dots, and the first of them.
    [[nodiscard]] unsigned first_rest(unsigned drawn) const noexcept
    {
        return drawn < min_dots_ ? min_dots_ - drawn : 0;
    }
    [[nodiscard]] unsigned rests(unsigned drawn) const noexcept { return max_dots_ - drawn + 1 - first_rest(drawn); }
    /// Place in counts_ of a state's ways.  Errors: unsupported.
    [[nodiscard]] Result<std::size_t> count(const DrawnState& state);
    [[nodiscard]] Result<> count_from_start();

    PatternTemplate pattern_;
    PatternGrid grid_;
    unsigned min_dots_;
    unsigned max_dots_;
    std::unordered_map<Key, std::size_t, KeyHash> known_;
    std::vector<std::uint64_t> counts_;
    std::vector<std::uint64_t> totals_; ///< by length, from min_dots_
    std::uint64_t size_{0};
};

} // namespace salvage::password
