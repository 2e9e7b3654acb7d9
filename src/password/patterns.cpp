// Unlock patterns as a keyspace, and a typed pattern as the bytes that go into the key derivation.
// Facts: Android 5 stored bytes 0x00 to 0x08 at first, later '1' to '9'; vold tries both (AOSP system/vold,
// adjust_passwd).
#include "salvage/password/search.hpp"

#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "password/keyspace.hpp"
#include "password/pattern_numbering.hpp"
#include "password/pattern_order.hpp"
#include "password/ranked.hpp"
#include "salvage/core/text.hpp"

namespace salvage::password {
namespace {

/// Rises when the order changes: a session counts in this order.
constexpr unsigned order_version = 1;

/// Grids beyond 3x3 go on after '9' in the order of ASCII: Android adds '1' to the number of the dot and looks no
/// further.
constexpr char first_dot_of(PatternEncoding encoding) noexcept
{
    return encoding == PatternEncoding::digits ? '1' : '\0';
}

constexpr std::string_view name_of(PatternEncoding encoding) noexcept
{
    return encoding == PatternEncoding::digits ? "pattern-digits" : "pattern-raw";
}

void encode(const Dots& pattern, PatternEncoding encoding, std::string& into)
{
    into.clear();
    for (const auto dot : pattern) {
        into.push_back(static_cast<char>(first_dot_of(encoding) + dot));
    }
}

RankedFirst rank(const PatternNumbering& numbering, unsigned min_dots, unsigned max_dots)
{
    std::vector<std::uint64_t> numbers;
    for (const auto& pattern : popular_patterns(numbering.grid(), min_dots, max_dots)) {
        numbers.push_back(numbering.number_of(pattern));
    }
    return {std::move(numbers), numbering.size()};
}

class Patterns final : public Keyspace {
public:
    Patterns(PatternNumbering numbering, unsigned min_dots, unsigned max_dots, PatternEncoding encoding)
        : numbering_{std::move(numbering)}, order_{rank(numbering_, min_dots, max_dots)}, min_dots_{min_dots},
          max_dots_{max_dots}, encoding_{encoding}
    {
    }

    [[nodiscard]] Candidates size() const noexcept override { return Candidates{order_.size()}; }

    Result<> candidate(std::uint64_t index, std::string& into) const override
    {
        if (index >= order_.size()) {
            return beyond_end(index, order_.size());
        }
        Dots pattern;
        numbering_.pattern_at(order_.at(index), pattern);
        encode(pattern, encoding_, into);
        return {};
    }

    [[nodiscard]] std::string encoding(std::uint64_t /*index*/) const override
    {
        return std::string{name_of(encoding_)};
    }

    [[nodiscard]] std::string identity() const override
    {
        return fmt::format("{}:{}:{}:{}:order={}", name_of(encoding_), numbering_.grid().side(), min_dots_, max_dots_,
                           order_version);
    }

    [[nodiscard]] std::string description() const override
    {
        const auto* const as = encoding_ == PatternEncoding::digits ? "" : ", as early Android 5 stored them";
        return fmt::format("{0}x{0} patterns of {1} to {2} dots, in the order people draw them{3}",
                           numbering_.grid().side(), min_dots_, max_dots_, as);
    }

private:
    PatternNumbering numbering_;
    RankedFirst order_;
    unsigned min_dots_;
    unsigned max_dots_;
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
    return KeyspacePtr{std::make_shared<const Patterns>(std::move(numbering), min_dots, max_dots, encoding)};
}

Result<std::string> encode_pattern(std::string_view dashed, unsigned side, PatternEncoding encoding)
{
    if (side < smallest_side || side > largest_side) {
        return invalid_argument("there is no pattern grid of that size", fmt::format("asked for {0} x {0} dots", side),
                                "grids have 3 to 6 dots a side");
    }
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
