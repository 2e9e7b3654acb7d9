// Inside render: what the pages of an extraction are dressed in, and the script that searches them.
#pragma once

#include <string_view>

namespace salvage::render {

[[nodiscard]] std::string_view extract_style() noexcept;
[[nodiscard]] std::string_view extract_script() noexcept;

/// What to do where an extraction found nothing, for people.
inline constexpr std::string_view nothing_found{
    "Nothing of this is here. It lies on userdata of a phone that was in use: perhaps this is another partition, or "
    "one "
    "that was wiped. \"salvage ls\" shows what is here, \"salvage export\" takes every file, \"salvage carve\" looks "
    "for photos in unused areas."};

} // namespace salvage::render
