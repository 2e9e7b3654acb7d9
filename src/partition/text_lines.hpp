// Lines of hand-edited text files: byte order marks, CR LF, tabs and missing final newlines are all ordinary.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "input.hpp"
#include "note.hpp"
#include "salvage/core/bytes.hpp"
#include "salvage/core/units.hpp"

namespace salvage::partition {

/// Whether tabs are what the format uses.
enum class Tabs : bool { unusual, usual };

struct Line {
    std::string_view text; ///< without line end, blanks cut at both ends
    std::size_t number{};  ///< from 1
    ByteOffset at;         ///< of its first byte in the file
};

/// Reads `text` line by line.
class Lines {
public:
    explicit Lines(std::string_view text) noexcept;
    /// The next line, or nothing at the end.
    [[nodiscard]] std::optional<Line> next() noexcept;

private:
    std::string_view text_;
    std::size_t at_{0};
    std::size_t number_{0};
};

[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;

/// The first word of `text` and what follows it, both trimmed.
[[nodiscard]] std::pair<std::string_view, std::string_view> split_word(std::string_view text) noexcept;

/// Words between blanks, at most `limit` of them.
[[nodiscard]] std::vector<std::string_view> words_of(std::string_view text, std::size_t limit);

/// "0x3bc8000", "0X3BC8000" or "62685184"; nothing where it is no number or does not fit.
[[nodiscard]] std::optional<std::uint64_t> parse_address(std::string_view text) noexcept;

/// Says how an editor left the file: a byte order mark, UTF-16, CR LF, tabs where blanks are usual, no newline at the
/// end.  One note; none where the file is as the tools write it.
void note_text_form(const Input& input, Tabs tabs, Notes& notes);

/// True where the bytes may be text: no NUL and few control characters among the first of them.
[[nodiscard]] bool looks_like_text(ByteView bytes) noexcept;

} // namespace salvage::partition
