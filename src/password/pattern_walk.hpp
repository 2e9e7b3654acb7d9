// Patterns in a row, from a number on: finding the first costs a look at a table for each dot, the next ones nearly
// nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "password/pattern_grid.hpp"

namespace salvage::password {

/// A pattern that has been drawn so far.
struct DrawnState {
    DotSet visited{0};
    std::uint64_t places{1}; ///< where in a template it may be; unused where there is none
    unsigned last{0};        ///< of no meaning before the first dot
};

/// Whether dots have to be counted to know that nothing can follow.
enum class DeadEnds : bool { are_short, are_counted };

/// Walks patterns: shorter ones first, then by where they start, likely dots first, then by their dots in order.
/// `Source` has
///   min_dots(), max_dots(), size_of_length(unsigned dots);
///   grid(); DrawnState after(DrawnState, unsigned dot), visited == 0 where that does not fit;
///   std::uint64_t ways(DrawnState, unsigned rest); static constexpr DeadEnds dead_ends;
/// Use: bool(const Dots&), false to stop.
template <typename Source, typename Use>
class PatternWalk {
public:
    PatternWalk(const Source& source, Use use) : source_{&source}, use_{std::move(use)} {}

    /// From pattern `number` on, to the last one or until `use` stops it.
    void run(std::uint64_t number)
    {
        skip_ = number;
        for (auto length = source_->min_dots(); length <= source_->max_dots(); ++length) {
            const auto size = source_->size_of_length(length);
            if (skip_ >= size) {
                skip_ -= size;
                continue;
            }
            drawn_.clear();
            if (!go_on(DrawnState{}, length)) {
                return;
            }
        }
    }

private:
    // Depth: at most 36 dots.
    bool go_on(const DrawnState& state, unsigned rest)
    {
        if (rest == 0) {
            return use_(drawn_);
        }
        for (unsigned place = 0; place < source_->grid().dots(); ++place) {
            const auto dot = state.visited == 0 ? source_->grid().start(place) : place;
            if (!is_step_legal(state, dot)) {
                continue;
            }
            const auto longer = source_->after(state, dot);
            if (longer.visited == 0 || is_passed_over(longer, rest - 1)) {
                continue;
            }
            drawn_.push_back(static_cast<std::uint8_t>(dot));
            if (!go_on(longer, rest - 1)) {
                return false;
            }
            drawn_.pop_back();
        }
        return true;
    }

    [[nodiscard]] bool is_step_legal(const DrawnState& state, unsigned dot) const
    {
        return state.visited == 0 || source_->grid().is_step_legal(state.visited, state.last, dot);
    }

    [[nodiscard]] bool is_passed_over(const DrawnState& state, unsigned rest)
    {
        if (skip_ == 0 && Source::dead_ends == DeadEnds::are_short) {
            return false;
        }
        const auto ways = source_->ways(state, rest);
        if (ways != 0 && skip_ < ways) {
            return false;
        }
        skip_ -= ways;
        return true;
    }

    const Source* source_;
    Use use_;
    std::uint64_t skip_{0};
    Dots drawn_;
};

} // namespace salvage::password
