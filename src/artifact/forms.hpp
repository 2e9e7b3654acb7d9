// Forms that several kinds are written in: times, CSV, XML and vCard's and iCalendar's lines.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "salvage/artifact/extraction.hpp"
#include "salvage/core/bytes.hpp"

namespace salvage::artifact {

using Json = nlohmann::ordered_json;

/// A text of this many bytes is no message and no name: it is cut.
inline constexpr std::size_t max_text_bytes = 1U << 20U;

/// `text` as valid UTF-8: what is not becomes U+FFFD.
[[nodiscard]] std::string as_utf8(std::string_view text);
/// Text that a phone stored as one character for each byte of UTF-8, put right; other text as it is.
[[nodiscard]] std::string undo_latin1(const std::string& text);

/// The first `most` bytes, or a few less: it ends where a character does.
[[nodiscard]] std::string_view cut_text(std::string_view text, std::size_t most) noexcept;

/// "2017-08-12 17:00:00 UTC"; empty where there is none, or it is before 1 or after 9999.
[[nodiscard]] std::string shown_time(std::optional<std::int64_t> milliseconds);
/// "2017-08-12T17:00:00Z", or with milliseconds where there are some; empty as above.
[[nodiscard]] std::string iso_time(std::optional<std::int64_t> milliseconds);
/// "20170812T170000Z"; empty as above.
[[nodiscard]] std::string basic_time(std::optional<std::int64_t> milliseconds);
/// "20170812"; empty as above.
[[nodiscard]] std::string basic_day(std::optional<std::int64_t> milliseconds);
/// iso_time as a JSON text; null where it is empty.
[[nodiscard]] Json time_json(std::optional<std::int64_t> milliseconds);
/// As JSON: text, or null where there is none.
[[nodiscard]] Json text_json(const std::optional<std::string>& text);
[[nodiscard]] Json text_json(std::string_view text);
[[nodiscard]] Json origin_json(const Origin& origin);
/// One line of text, never failing.
[[nodiscard]] std::string dumped(const Json& json);

/// One line of RFC 4180.  A cell that a spreadsheet would take for a formula begins with an apostrophe: what is behind
/// it is the value.  Telephone numbers and plain numbers stand as they are, with their '+'.  Spec: OWASP, CSV
/// Injection.
[[nodiscard]] std::string csv_line(std::span<const std::string> cells);

/// As an attribute's or element's text; what XML 1.0 has no place for is U+FFFD.
[[nodiscard]] std::string xml_text(std::string_view text);

/// A value of vCard or iCalendar: backslash, comma, semicolon and line ends escaped.  Spec: RFC 6350 3.4, RFC
/// 5545 3.3.11.
[[nodiscard]] std::string card_value(std::string_view text);
/// A line folded after 75 bytes, never within a character, with its end.  Spec: RFC 6350 3.2, RFC 5545 3.1.
[[nodiscard]] std::string card_line(std::string_view line);

} // namespace salvage::artifact
