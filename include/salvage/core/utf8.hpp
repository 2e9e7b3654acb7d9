// Text in UTF-8, one character at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace salvage {

/// A character and how many bytes it takes: 1 to 4, or 0 where there is none.
struct Utf8Character {
    std::uint32_t code{};
    std::size_t length{};
};

/// The character at the front of `text`; length 0 where it is empty or does not begin with a well-formed sequence:
/// overlong forms, surrogates and what is beyond U+10FFFF are none (RFC 3629, 4).  Thread safe.
[[nodiscard]] Utf8Character first_character(std::string_view text) noexcept;

/// Whether `text` is nothing but characters.  Thread safe.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// Appends the character of that code.  Of a surrogate it appends three bytes that are no character, as is_utf8() says,
/// but tell one from the other.  Requires: at most 0x10FFFF.
void append_character(std::string& out, std::uint32_t code);

} // namespace salvage
