// Likely patterns: letters and figures in every orientation, then lines with few bends.  Why: docs/pin-order.md.
#include "password/pattern_order.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

namespace salvage::password {
namespace {

constexpr std::size_t most_patterns = 20'000; // two bends on 6x6 are far more; beyond this the list says little

struct Cell {
    int row{};
    int column{};
    bool operator==(const Cell&) const = default;
};

/// Corner points on the 3x3 grid, dots counted from 1; the line between two of them takes the dots on its way with it.
constexpr auto shapes = std::to_array<std::string_view>({
    "179",    // L
    "1379",   // Z
    "1793",   // U
    "7193",   // N
    "139",    // 7
    "314697", // S
    "3179",   // C
    "71539",  // M
    "17593",  // W
    "136479", // 2
    "1397",   // box without its end
    "13974",  // box
    "139745", // spiral
    "317965", // G
    "178",    // short L
    "136",    //
    "14863",  // V
    "7239",   // A
    "1358",   // T
    "71365",  // P
    "713697", // D
    "463179", // e
    "1469",   // 4
    "2486",   // diamond
    "1254",   // small box
    "137",    // half a Z
    "173",    //
    "197",    //
    "1937",   // crossed
    "128",    //
});

class PatternList {
public:
    PatternList(const PatternGrid& grid, unsigned min_dots, unsigned max_dots)
        : grid_{&grid}, min_dots_{min_dots}, max_dots_{max_dots}
    {
    }

    void add(const Dots& pattern)
    {
        const bool is_wanted =
            pattern.size() >= min_dots_ && pattern.size() <= max_dots_ && patterns_.size() < most_patterns;
        if (is_wanted && grid_->is_legal(pattern) && known_.insert(pattern).second) {
            patterns_.push_back(pattern);
        }
    }
    [[nodiscard]] std::vector<Dots> take() && { return std::move(patterns_); }

private:
    const PatternGrid* grid_;
    unsigned min_dots_;
    unsigned max_dots_;
    std::vector<Dots> patterns_;
    std::set<Dots> known_;
};

Cell cell_of(unsigned dot, unsigned side)
{
    return {.row = static_cast<int>(dot / side), .column = static_cast<int>(dot % side)};
}

std::uint8_t dot_of(Cell cell, unsigned side)
{
    return static_cast<std::uint8_t>(cell.row * static_cast<int>(side) + cell.column);
}

/// A shape on a grid: its corner points pulled apart to the grid's own corners and middle.  Nothing where a line of it
/// would not run straight over dots there.
std::optional<Dots> draw(std::string_view shape, unsigned side)
{
    const std::array<int, 3> stretched{0, static_cast<int>(side / 2), static_cast<int>(side - 1)};
    const auto at = [&](char digit) {
        const auto cell = cell_of(static_cast<unsigned>(digit - '1'), 3);
        return Cell{.row = stretched.at(static_cast<std::size_t>(cell.row)),
                    .column = stretched.at(static_cast<std::size_t>(cell.column))};
    };
    auto here = at(shape.front());
    Dots out{dot_of(here, side)};
    for (const char digit : shape.substr(1)) {
        const auto goal = at(digit);
        const auto rows = goal.row - here.row;
        const auto columns = goal.column - here.column;
        const bool is_straight = rows == 0 || columns == 0 || std::abs(rows) == std::abs(columns);
        if (!is_straight && side != 3) {
            return std::nullopt;
        }
        const auto steps = is_straight ? std::max(std::abs(rows), std::abs(columns)) : 1;
        for (int i = 1; i <= steps; ++i) {
            const auto dot =
                dot_of({.row = here.row + rows / steps * i, .column = here.column + columns / steps * i}, side);
            // A dot that the line crosses a second time is not touched again.
            if (std::ranges::find(out, dot) == out.end()) {
                out.push_back(dot);
            }
        }
        here = goal;
    }
    return out;
}

/// The pattern turned by 0 to 3 quarters and mirrored or not.
Dots turned(const Dots& pattern, unsigned side, unsigned quarters, bool is_mirrored)
{
    Dots out;
    for (const auto dot : pattern) {
        auto cell = cell_of(dot, side);
        const auto last = static_cast<int>(side) - 1;
        if (is_mirrored) {
            cell.column = last - cell.column;
        }
        for (unsigned i = 0; i < quarters; ++i) {
            cell = {.row = cell.column, .column = last - cell.row};
        }
        out.push_back(dot_of(cell, side));
    }
    return out;
}

void add_shape(PatternList& list, std::string_view shape, unsigned side)
{
    const auto drawn = draw(shape, side);
    if (!drawn) {
        return;
    }
    std::vector<Dots> forms;
    for (const bool is_mirrored : {false, true}) {
        for (unsigned quarters = 0; quarters < 4; ++quarters) {
            const auto form = turned(*drawn, side, quarters, is_mirrored);
            forms.push_back(form);
            forms.emplace_back(form.rbegin(), form.rend());
        }
    }
    std::map<unsigned, std::vector<Dots>> by_start; // in each, as they were drawn
    for (auto& form : forms) {
        by_start[start_rank(form.front(), side)].push_back(std::move(form));
    }
    for (const auto& [rank, same_start] : by_start) {
        for (const auto& form : same_start) {
            list.add(form);
        }
    }
}

/// A line drawn from neighbour to neighbour, with the number of its bends.
struct Line {
    Dots dots;
    unsigned bends{};
};

/// All lines with at most `max_bends` from one dot, by walking on in every direction.
class LineWalker {
public:
    LineWalker(unsigned side, unsigned max_dots, unsigned max_bends)
        : side_{side}, max_dots_{max_dots}, max_bends_{max_bends}
    {
    }

    std::vector<Line> from(std::uint8_t start)
    {
        lines_.clear();
        walk({.dots = {start}, .bends = 0}, Cell{});
        return std::move(lines_);
    }

private:
    // Depth: at most 36 dots.
    void walk(const Line& line, Cell direction)
    {
        if (line.dots.size() >= shortest_pattern) {
            lines_.push_back(line);
        }
        if (line.dots.size() == max_dots_) {
            return;
        }
        for (const int row : {0, 1, -1}) {
            for (const int column : {1, 0, -1}) {
                step(line, direction, {.row = row, .column = column});
            }
        }
    }

    void step(const Line& line, Cell old_direction, Cell direction)
    {
        const bool is_bend = line.dots.size() > 1 && direction != old_direction;
        const auto here = cell_of(line.dots.back(), side_);
        const Cell next{.row = here.row + direction.row, .column = here.column + direction.column};
        const auto side = static_cast<int>(side_);
        const bool is_inside = next.row >= 0 && next.row < side && next.column >= 0 && next.column < side;
        if (direction == Cell{} || !is_inside || (is_bend && line.bends == max_bends_)) {
            return;
        }
        const auto dot = dot_of(next, side_);
        if (std::ranges::find(line.dots, dot) != line.dots.end()) {
            return;
        }
        auto longer = line;
        longer.dots.push_back(dot);
        longer.bends += is_bend ? 1U : 0U;
        walk(longer, direction);
    }

    unsigned side_;
    std::size_t max_dots_;
    unsigned max_bends_;
    std::vector<Line> lines_;
};

void add_lines(PatternList& list, unsigned side, unsigned max_dots)
{
    const unsigned max_bends = side == 3 ? 3 : 2;
    LineWalker walker{side, max_dots, max_bends};
    std::vector<Line> lines;
    for (unsigned dot = 0; dot < side * side; ++dot) {
        std::ranges::move(walker.from(static_cast<std::uint8_t>(dot)), std::back_inserter(lines));
    }
    std::ranges::sort(lines, {}, [&](const Line& line) {
        return std::tuple{line.bends, start_rank(line.dots.front(), side), line.dots.size(), line.dots};
    });
    for (const auto& line : lines) {
        list.add(line.dots);
    }
}

} // namespace

std::vector<Dots> popular_patterns(const PatternGrid& grid, unsigned min_dots, unsigned max_dots)
{
    PatternList list{grid, min_dots, max_dots};
    for (const auto shape : shapes) {
        add_shape(list, shape, grid.side());
    }
    add_lines(list, grid.side(), max_dots);
    return std::move(list).take();
}

} // namespace salvage::password
