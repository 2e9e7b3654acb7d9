// Formats of dates: DDMMYY, DD.MM.YYYY.
#include "password/date_format.hpp"

#include <algorithm>
#include <iterator>
#include <optional>

#include <fmt/format.h>

#include "password/ascii.hpp"
#include "salvage/core/text.hpp"

namespace salvage::password {
namespace {

constexpr std::size_t max_format_characters = 16;

void append_digits(unsigned number, unsigned least_digits, std::string& into)
{
    fmt::format_to(std::back_inserter(into), "{:0{}}", number, least_digits);
}

} // namespace

Date date_of(unsigned number) noexcept
{
    constexpr std::array<unsigned, 12> days{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    Date out{.year = 0, .month = 1, .day = number + 1};
    for (const auto in_month : days) {
        if (out.day <= in_month) {
            break;
        }
        out.day -= in_month;
        ++out.month;
    }
    return out;
}

Result<DateFormat> DateFormat::parse(std::string_view text)
{
    if (text.size() > max_format_characters) {
        return invalid_argument("the date format is too long", fmt::format("it has {} characters, {} are the most",
                                                                           text.size(), max_format_characters));
    }
    DateFormat out;
    for (std::size_t at = 0; at < text.size();) {
        if (is_letter(text[at])) {
            at = SALVAGE_TRY(out.add_letters(text, at));
        } else {
            out.items_.push_back({.part = Part::literal, .literal = text[at++]});
        }
    }
    if (!out.has_day_ && !out.has_year_) {
        return invalid_argument("the date format has no day, month or year", fmt::format("found '{}'", printable(text)),
                                "formats look like DDMMYY or DD.MM.YYYY");
    }
    return out;
}

/// Reads one run of a letter; says where it ends.
Result<std::size_t> DateFormat::add_letters(std::string_view text, std::size_t at)
{
    struct Letters {
        std::string_view text;
        Part part;
    };
    constexpr auto known = std::to_array<Letters>({{"DD", Part::day_padded},
                                                   {"D", Part::day},
                                                   {"MM", Part::month_padded},
                                                   {"M", Part::month},
                                                   {"YYYY", Part::year},
                                                   {"YY", Part::year_of_century}});
    std::string run;
    for (auto end = at; end < text.size() && raised(text[end]) == raised(text[at]); ++end) {
        run.push_back(raised(text[end]));
    }
    const auto* const found = std::ranges::find(known, run, &Letters::text);
    if (found == known.end()) {
        return invalid_argument("the date format has letters that stand for nothing",
                                fmt::format("column {}: found '{}', expected DD D MM M YYYY or YY", at + 1, run),
                                "formats look like DDMMYY or DD.MM.YYYY");
    }
    items_.push_back({.part = found->part});
    const bool is_year = found->part == Part::year || found->part == Part::year_of_century;
    has_year_ = has_year_ || is_year;
    has_day_ = has_day_ || !is_year;
    return at + run.size();
}

void DateFormat::write(const Date& date, std::string& into) const
{
    for (const auto& item : items_) {
        switch (item.part) {
        case Part::day_padded: append_digits(date.day, 2, into); break;
        case Part::day: append_digits(date.day, 1, into); break;
        case Part::month_padded: append_digits(date.month, 2, into); break;
        case Part::month: append_digits(date.month, 1, into); break;
        case Part::year: append_digits(date.year, 4, into); break;
        case Part::year_of_century: append_digits(date.year % 100, 2, into); break;
        case Part::literal: into.push_back(item.literal); break;
        }
    }
}

} // namespace salvage::password
