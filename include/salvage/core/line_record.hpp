// `key=value` lines in a fixed order: the text that sessions and the records of chunks are written in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "salvage/core/error.hpp"
#include "salvage/core/result.hpp"

namespace salvage {

/// What a value may hold as it is: a line, or one word of a line.
enum class LineValue : std::uint8_t { line, word };

/// `value` with '%' and control characters as %XX; of a word, blanks too.
[[nodiscard]] std::string escape_line_value(std::string_view value, LineValue kind);
/// The same backwards.  Nothing where a byte stands that should be escaped, or '%' without two hex digits.
[[nodiscard]] std::optional<std::string> unescape_line_value(std::string_view value, LineValue kind);
/// A decimal number and nothing else; nothing where it does not fit either.
[[nodiscard]] std::optional<std::uint64_t> whole_number(std::string_view digits) noexcept;

/// What one kind of record is like, and how errors speak of it.
struct LineRecordForm {
    LineValue values{LineValue::line};
    std::string_view record;         ///< "a session file"
    std::string_view damaged_number; ///< "a damaged number"
    std::string_view damaged_value;  ///< "a damaged value"
};

/// Reads the lines of a record one after the other.  Views into the text, and the form's words, it was made with.
///
/// Errors: malformed, where = start of the line.
class LineRecordReader {
public:
    LineRecordReader(std::string_view text, const LineRecordForm& form) noexcept : text_{text}, form_{form} {}

    /// The next line's value as it stands.  Errors: another key's line, or none.
    [[nodiscard]] Result<std::string_view> value(std::string_view key);
    /// The same without escapes.
    [[nodiscard]] Result<std::string> text(std::string_view key);
    [[nodiscard]] Result<std::uint64_t> number(std::string_view key);
    /// Whether the next line is this key's.
    [[nodiscard]] bool is_next(std::string_view key) const noexcept;
    /// The line read last has a value that means nothing.
    [[nodiscard]] Error damaged(std::string_view key) const;

    /// All lines so far: what a checksum is made of.
    [[nodiscard]] std::string_view read_so_far() const noexcept { return text_.substr(0, at_); }
    /// The last line has to be `key=checksum`, and nothing may follow it.
    [[nodiscard]] Result<> end(std::string_view key, std::string_view checksum);

private:
    std::string_view text_;
    LineRecordForm form_;
    std::size_t at_{0};
    std::size_t line_start_{0};
};

} // namespace salvage
