// Unlock patterns as a keyspace, and a typed pattern as the bytes that go into the key derivation.
#include "salvage/password/keyspace.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "password/keyspace.hpp"
#include "password/pattern_encoding.hpp"
#include "password/pattern_numbering.hpp"
#include "password/pattern_order.hpp"
#include "password/pattern_walk.hpp"
#include "password/ranked.hpp"
#include "salvage/core/text.hpp"

namespace salvage::password {
namespace {

/// Rises when the order changes: a session counts in this order.
constexpr unsigned order_version = 2;

RankedFirst rank(const PatternNumbering& numbering, const std::vector<Dots>& popular)
{
    std::vector<std::uint64_t> numbers;
    numbers.reserve(popular.size());
    for (const auto& pattern : popular) {
        numbers.push_back(numbering.number_of(pattern));
    }
    return {std::move(numbers), numbering.size()};
}

class Patterns final : public Keyspace {
public:
    Patterns(PatternNumbering numbering, PatternEncoding encoding)
        : numbering_{std::move(numbering)},
          popular_{popular_patterns(numbering_.grid(), numbering_.min_dots(), numbering_.max_dots())},
          order_{rank(numbering_, popular_)}, encoding_{encoding}
    {
    }

    [[nodiscard]] Candidates size() const noexcept override { return Candidates{order_.size()}; }

    Result<std::size_t> candidates(std::uint64_t first, std::span<Candidate> into) const override
    {
        SALVAGE_TRY(check_range(first, into.size(), size().value));
        std::size_t filled = 0;
        for (; filled < into.size() && first + filled < popular_.size(); ++filled) {
            write(popular_[first + filled], into[filled]);
        }
        write_others(first + filled, into.subspan(filled));
        return into.size();
    }

    [[nodiscard]] std::string encoding(std::uint64_t /*index*/) const override
    {
        return std::string{name_of(encoding_)};
    }

    [[nodiscard]] std::string identity() const override
    {
        return fmt::format("{}:{}:{}:{}:order={}", name_of(encoding_), numbering_.grid().side(), numbering_.min_dots(),
                           numbering_.max_dots(), order_version);
    }

    [[nodiscard]] std::string description() const override
    {
        return fmt::format("{0}x{0} patterns of {1} to {2} dots, in the order people draw them{3}",
                           numbering_.grid().side(), numbering_.min_dots(), numbering_.max_dots(),
                           remark_on(encoding_));
    }

private:
    void write(const Dots& pattern, Candidate& into) const
    {
        encode(pattern, encoding_, into.bytes);
        into.is_rejected = false;
    }

    /// Fills with candidates behind the popular ones: neighbours by number, less those that came already.
    void write_others(std::uint64_t first, std::span<Candidate> into) const
    {
        if (into.empty()) {
            return;
        }
        auto number = order_.at(first);
        const auto popular = order_.ranked_numbers();
        auto next_popular = std::ranges::lower_bound(popular, number);
        std::size_t filled = 0;
        PatternWalk walk{numbering_, [&](const Dots& pattern) {
                             const auto here = number++;
                             if (next_popular != popular.end() && *next_popular == here) {
                                 ++next_popular;
                                 return true;
                             }
                             write(pattern, into[filled++]);
                             return filled < into.size();
                         }};
        walk.run(number);
    }

    PatternNumbering numbering_;
    std::vector<Dots> popular_;
    RankedFirst order_;
    PatternEncoding encoding_;
};

/// The errors name no dot: a mistyped pattern is nearly a secret.
Error not_a_pattern(std::string_view why, unsigned side)
{
    return invalid_argument(
        "this is not an unlock pattern", why,
        fmt::format("give its dots with dashes, counted row by row from 1 to {}: 1-4-7-8", side * side));
}

/// "1-4-7-8"; on 3x3 also "1478".
Result<Dots> parse_dots(std::string_view text, unsigned side)
{
    Dots out;
    const bool has_dashes = text.find('-') != std::string_view::npos;
    while (!text.empty()) {
        const auto end = has_dashes || side != smallest_side ? text.find('-') : 1;
        const auto part = text.substr(0, end);
        unsigned dot = 0;
        const auto [rest, problem] = std::from_chars(part.data(), part.data() + part.size(), dot);
        if (problem != std::errc{} || rest != part.data() + part.size() || dot == 0 || dot > side * side) {
            return not_a_pattern("a part of it is not the number of a dot", side);
        }
        if (out.size() == std::size_t{side} * side) {
            return not_a_pattern("it has more dots than the grid", side);
        }
        out.push_back(static_cast<std::uint8_t>(dot - 1));
        if (part.size() == text.size()) {
            return out;
        }
        text.remove_prefix(part.size() + (has_dashes ? 1U : 0U));
    }
    return not_a_pattern(out.empty() ? "it is empty" : "it ends with a dash", side);
}

} // namespace

Result<KeyspacePtr> make_patterns(unsigned side, unsigned min_dots, unsigned max_dots, PatternEncoding encoding)
{
    auto numbering = SALVAGE_TRY(PatternNumbering::make(side, min_dots, max_dots));
    return KeyspacePtr{std::make_shared<const Patterns>(std::move(numbering), encoding)};
}

Result<std::string> encode_pattern(std::string_view dashed, unsigned side, PatternEncoding encoding)
{
    SALVAGE_TRY(check_side(side));
    const auto dots = SALVAGE_TRY(parse_dots(dashed, side));
    if (dots.size() < shortest_pattern) {
        return not_a_pattern(fmt::format("a pattern has {} dots at least", shortest_pattern), side);
    }
    if (!PatternGrid{side}.is_legal(dots)) {
        return not_a_pattern("a dot comes twice, or one is jumped over before it was touched", side);
    }
    std::string out;
    encode(dots, encoding, out);
    return out;
}

} // namespace salvage::password
