// Matching and counting half-remembered patterns.
#include "password/pattern_template.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::password {
namespace {

// Together about 200 MiB and some seconds: all of 3x3 and 4x4, whatever is open; on 5x5 seven open dots beside a known
// one, on 6x6 six.
constexpr std::size_t max_states = 1'500'000;
constexpr std::size_t max_counts = std::size_t{12} << 20U;

Error not_a_template(std::string_view why, unsigned side)
{
    return invalid_argument(
        "this is not a half-remembered pattern", why,
        fmt::format("give known dots (1 to {}, counted row by row), ? for one unknown and * for any "
                    "number of them, with dashes: 1-?-?-8",
                    side * side));
}

Error too_open(unsigned side)
{
    return unsupported(fmt::format("too much of the pattern is open for a {0}x{0} grid", side),
                       fmt::format("numbering what fits takes over {} states or {} counts", format_count(max_states),
                                   format_count(max_counts)),
                       "name more dots, or write ? for each unknown one in place of a *");
}

} // namespace

Result<PatternTemplate> PatternTemplate::parse(std::string_view dashed, unsigned side)
{
    const bool has_dashes = dashed.find('-') != std::string_view::npos || side != smallest_side;
    PatternTemplate out;
    for (std::size_t at = 0; at < dashed.size();) {
        const auto part = dashed.substr(at, has_dashes ? dashed.find('-', at) - at : 1);
        at += part.size();
        const bool has_more = has_dashes && at < dashed.size();
        at += has_more ? 1U : 0U; // the dash
        if (has_more && at == dashed.size()) {
            return not_a_template("it ends with a dash", side);
        }
        SALVAGE_TRY(out.add(part, side));
    }
    if (out.dots_.empty() && out.stars_ == 0) {
        return not_a_template("it is empty", side);
    }
    out.prepare();
    return out;
}

Result<> PatternTemplate::add(std::string_view part, unsigned side)
{
    if (part == "*") {
        stars_ |= std::uint64_t{1} << dots_.size();
        return {};
    }
    const std::size_t most_dots = std::size_t{side} * side;
    unsigned dot = 0;
    const auto [end, problem] = std::from_chars(part.data(), part.data() + part.size(), dot);
    const bool is_number = problem == std::errc{} && end == part.data() + part.size();
    if (part != "?" && (!is_number || dot == 0 || dot > most_dots)) {
        return not_a_template("a part of it is neither the number of a dot nor ? nor *", side);
    }
    if (dots_.size() == most_dots) {
        return not_a_template("it has more dots than the grid", side);
    }
    dots_.push_back(part == "?" ? unknown : static_cast<std::uint8_t>(dot - 1));
    return {};
}

void PatternTemplate::prepare()
{
    still_needed_.assign(dots_.size() + 1, 0);
    for (auto i = dots_.size(); i-- > 0;) {
        const bool is_known = dots_[i] != unknown;
        still_needed_[i] = still_needed_[i + 1] | (is_known ? dot_bit(dots_[i]) : 0);
        for (std::size_t dot = 0; dot < fits_.size(); ++dot) {
            if (!is_known || dots_[i] == dot) {
                fits_[dot] |= std::uint64_t{1} << i;
            }
        }
    }
}

std::uint64_t PatternTemplate::places_after(std::uint64_t places, DotSet visited, unsigned dot) const noexcept
{
    const auto next = ((places & fits_[dot]) << 1U) | (places & stars_);
    auto out = next;
    for (auto left = next; left != 0; left &= left - 1) {
        const auto place = static_cast<unsigned>(std::countr_zero(left));
        if ((still_needed_[place] & visited) != 0) {
            out &= ~(std::uint64_t{1} << place);
        }
    }
    return out;
}

std::size_t TemplateNumbering::KeyHash::operator()(const Key& key) const noexcept
{
    // Multipliers: odd numbers of splitmix64 (S. Vigna, public domain).
    auto hash = key.visited * 0xBF58476D1CE4E5B9U;
    hash = (hash ^ (hash >> 29U) ^ key.places) * 0x94D049BB133111EBU;
    hash = (hash ^ (hash >> 32U) ^ key.last) * 0xBF58476D1CE4E5B9U;
    return static_cast<std::size_t>(hash ^ (hash >> 30U));
}

TemplateNumbering::TemplateNumbering(PatternTemplate pattern, unsigned side, unsigned min_dots, unsigned max_dots)
    : pattern_{std::move(pattern)}, grid_{side}, min_dots_{min_dots}, max_dots_{max_dots}
{
}

Result<TemplateNumbering> TemplateNumbering::make(PatternTemplate pattern, unsigned side)
{
    const auto named = pattern.min_dots();
    const auto min_dots = std::max(named, shortest_pattern);
    const auto max_dots = pattern.has_star() ? side * side : named;
    if (max_dots < min_dots) {
        return not_a_template(fmt::format("a pattern has {} dots at least", shortest_pattern), side);
    }
    TemplateNumbering out{std::move(pattern), side, min_dots, max_dots};
    SALVAGE_TRY(out.count_from_start());
    if (out.size_ == 0) {
        return not_a_template(
            "no pattern that can be drawn fits: a dot comes twice, or one is jumped over before it was "
            "touched",
            side);
    }
    return out;
}

Result<> TemplateNumbering::count_from_start()
{
    totals_.assign(max_dots_ - min_dots_ + 1, 0);
    for (unsigned dot = 0; dot < grid_.dots(); ++dot) {
        const auto state = after(DrawnState{}, dot);
        if (state.visited == 0) {
            continue;
        }
        const auto at = SALVAGE_TRY(count(state));
        for (unsigned i = 0; i < totals_.size(); ++i) { // one dot: every rest from min_dots - 1 on matters
            totals_[i] += counts_[at + i];
            size_ += counts_[at + i]; // all of 6x6 would not fit, and is refused long before
        }
    }
    return {};
}

// Depth: at most 36 dots.
Result<std::size_t> TemplateNumbering::count(const DrawnState& state)
{
    const Key key{.visited = state.visited, .places = state.places, .last = state.last};
    const auto known = known_.find(key);
    if (known != known_.end()) {
        return known->second;
    }
    const auto drawn = static_cast<unsigned>(std::popcount(state.visited));
    std::array<std::uint64_t, 37> ways{}; // by rest
    if (first_rest(drawn) == 0) {
        ways[0] = pattern_.is_complete(state.places) ? 1 : 0;
    }
    for (unsigned dot = 0; dot < grid_.dots(); ++dot) {
        if (!grid_.is_step_legal(state.visited, state.last, dot)) {
            continue;
        }
        const auto longer = after(state, dot);
        if (longer.visited == 0) {
            continue;
        }
        if (drawn + 1 == max_dots_) { // the last dot: not worth an entry
            ways[1] += pattern_.is_complete(longer.places) ? 1U : 0U;
            continue;
        }
        const auto at = SALVAGE_TRY(count(longer));
        const auto first = first_rest(drawn + 1);
        for (unsigned i = 0; i < rests(drawn + 1); ++i) {
            ways.at(first + i + 1) += counts_[at + i];
        }
    }
    if (known_.size() >= max_states || counts_.size() >= max_counts) {
        return too_open(grid_.side());
    }
    const auto at = counts_.size();
    const auto wanted = std::span{ways}.subspan(first_rest(drawn), rests(drawn));
    counts_.insert(counts_.end(), wanted.begin(), wanted.end());
    known_.emplace(key, at);
    return at;
}

std::uint64_t TemplateNumbering::ways(const DrawnState& state, unsigned rest) const
{
    const auto drawn = static_cast<unsigned>(std::popcount(state.visited));
    if (drawn == max_dots_) {
        return rest == 0 && pattern_.is_complete(state.places) ? 1 : 0;
    }
    const auto known = known_.find(Key{.visited = state.visited, .places = state.places, .last = state.last});
    const auto first = first_rest(drawn);
    if (known == known_.end() || rest < first) {
        return 0;
    }
    return counts_[known->second + (rest - first)];
}

} // namespace salvage::password
