// What a value of a database is as a number and as text.
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "salvage/artifact/sqlite.hpp"
#include "salvage/core/text.hpp"

namespace salvage::artifact {

std::optional<std::int64_t> to_integer(const Value& value)
{
    if (const auto* const number = std::get_if<std::int64_t>(&value)) {
        return *number;
    }
    if (const auto* const real = std::get_if<double>(&value)) {
        constexpr double bound = 9.0e18;
        return std::abs(*real) < bound ? std::optional{static_cast<std::int64_t>(*real)} : std::nullopt;
    }
    if (const auto* const text = std::get_if<std::string>(&value)) {
        std::int64_t out = 0;
        const auto digits = trimmed(*text);
        const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
        return problem == std::errc{} && end == digits.data() + digits.size() ? std::optional{out} : std::nullopt;
    }
    return std::nullopt;
}

std::optional<double> to_real(const Value& value)
{
    if (const auto* const number = std::get_if<std::int64_t>(&value)) {
        return static_cast<double>(*number);
    }
    if (const auto* const real = std::get_if<double>(&value)) {
        return *real;
    }
    if (const auto* const text = std::get_if<std::string>(&value)) {
        double out = 0;
        const auto digits = trimmed(*text);
        const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
        return problem == std::errc{} && end == digits.data() + digits.size() ? std::optional{out} : std::nullopt;
    }
    return std::nullopt;
}

std::optional<std::string> to_text(const Value& value)
{
    if (const auto* const text = std::get_if<std::string>(&value)) {
        return *text;
    }
    if (const auto* const number = std::get_if<std::int64_t>(&value)) {
        return std::to_string(*number);
    }
    if (const auto* const real = std::get_if<double>(&value)) {
        return fmt::format("{}", *real);
    }
    return std::nullopt;
}

} // namespace salvage::artifact
