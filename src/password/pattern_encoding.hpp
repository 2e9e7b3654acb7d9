// Patterns as the bytes that go into the key derivation.
// Facts: Android 5 stored bytes 0x00 to 0x08 at first, later '1' to '9'; vold tries both (AOSP system/vold,
// adjust_passwd).
#pragma once

#include <string>
#include <string_view>

#include "password/pattern_grid.hpp"
#include "salvage/password/keyspace.hpp"

namespace salvage::password {

/// Grids beyond 3x3 go on after '9' in the order of ASCII: Android adds '1' to the number of the dot and looks no
/// further.
[[nodiscard]] constexpr char first_dot_of(PatternEncoding encoding) noexcept
{
    return encoding == PatternEncoding::digits ? '1' : '\0';
}

[[nodiscard]] constexpr std::string_view name_of(PatternEncoding encoding) noexcept
{
    return encoding == PatternEncoding::digits ? "pattern-digits" : "pattern-raw";
}

/// For descriptions, behind "patterns".
[[nodiscard]] constexpr std::string_view remark_on(PatternEncoding encoding) noexcept
{
    return encoding == PatternEncoding::digits ? "" : ", as early Android 5 stored them";
}

inline void encode(const Dots& pattern, PatternEncoding encoding, std::string& into)
{
    into.resize(pattern.size());
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        into[i] = static_cast<char>(first_dot_of(encoding) + pattern[i]);
    }
}

} // namespace salvage::password
