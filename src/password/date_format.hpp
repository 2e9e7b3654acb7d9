// A format of dates, and the calendar.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/result.hpp"

namespace salvage::password {

struct Date {
    unsigned year{};
    unsigned month{}; ///< from 1
    unsigned day{};   ///< from 1
};

constexpr unsigned days_of_leap_year = 366;

[[nodiscard]] constexpr bool is_leap(unsigned year) noexcept
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/// Day `number` (0 to 365) of a leap year: 59 is 29 February.
[[nodiscard]] Date date_of(unsigned number) noexcept;
inline constexpr unsigned leap_day = 59;

/// Parts of a date and characters between them.
class DateFormat {
public:
    /// Errors: invalid_argument (with the column).
    [[nodiscard]] static Result<DateFormat> parse(std::string_view text);

    [[nodiscard]] bool has_year() const noexcept { return has_year_; }
    [[nodiscard]] bool has_day() const noexcept { return has_day_; } ///< or month
    void write(const Date& date, std::string& into) const;

private:
    enum class Part : std::uint8_t { day_padded, day, month_padded, month, year, year_of_century, literal };
    struct Item {
        Part part{Part::literal};
        char literal{};
    };
    [[nodiscard]] Result<std::size_t> add_letters(std::string_view text, std::size_t at);

    std::vector<Item> items_;
    bool has_year_{false};
    bool has_day_{false};
};

} // namespace salvage::password
