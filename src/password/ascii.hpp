// Letters of ASCII and bytes written in hex.  Bytes from 0x80 on are no letters and have no case.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "salvage/core/bytes.hpp"

namespace salvage::password {

inline constexpr char ascii_case_bit = 0x20;

[[nodiscard]] constexpr bool is_lower(char c) noexcept
{
    return c >= 'a' && c <= 'z';
}
[[nodiscard]] constexpr bool is_upper(char c) noexcept
{
    return c >= 'A' && c <= 'Z';
}
[[nodiscard]] constexpr bool is_letter(char c) noexcept
{
    return is_lower(c) || is_upper(c);
}
[[nodiscard]] constexpr char lowered(char c) noexcept
{
    return is_upper(c) ? static_cast<char>(c | ascii_case_bit) : c;
}
[[nodiscard]] constexpr char raised(char c) noexcept
{
    return is_lower(c) ? static_cast<char>(c & ~ascii_case_bit) : c;
}
[[nodiscard]] constexpr char toggled(char c) noexcept
{
    return is_lower(c) ? raised(c) : lowered(c);
}

/// The byte that two hex digits at the start of `text` write; nothing where there are no two.
[[nodiscard]] inline std::optional<std::uint8_t> hex_byte(std::string_view text)
{
    const auto bytes = from_hex(text.substr(0, 2)); // passes over blanks: two of them are no byte
    if (!bytes.has_value() || bytes->size() != 1) {
        return std::nullopt;
    }
    return std::to_integer<std::uint8_t>(bytes->front());
}

} // namespace salvage::password
