// Dates as people type them.
#pragma once

#include <string>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/password/keyspace.hpp"

namespace salvage::password {

struct DateSpec {
    unsigned from_year{1940}; ///< 1000 to 9999, both included
    unsigned to_year{2030};
    /// `DDMMYY`, `DD.MM.YYYY`: DD MM with a leading zero, D M without, YYYY YY; in either case.  Everything that is not
    /// a letter stands for itself.  At most 32 formats of 16 characters.  Empty: people's (common_date_formats).
    std::vector<std::string> formats{};
};

/// The usual ones of four, six and eight digits, then those with dots, slashes and dashes.
[[nodiscard]] std::vector<std::string> common_date_formats();

/// Every day of the Gregorian calendar in every format, each different text exactly once.  Likely ones first: formats
/// without a year; then year by year, beginning with the one closest to 1990 and going outwards; in a year format after
/// format as given, each from January to December.
/// Memory: 4 bytes a date.  Errors: invalid_argument (years; a format, with its column; over two million texts).
[[nodiscard]] Result<KeyspacePtr> make_dates(const DateSpec& spec);

} // namespace salvage::password
