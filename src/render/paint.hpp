// Inside render: colour that is only there on a terminal, and columns.
#pragma once

#include <string>
#include <string_view>

#include "salvage/render/render.hpp"

namespace salvage::render {

enum class Ink : unsigned char { strong, faint, good, warning, danger, accent };

/// `text` in a colour, or as it is.
[[nodiscard]] inline std::string paint(std::string_view text, Ink ink, TextStyle style)
{
    if (style.colour == Colour::off) {
        return std::string{text};
    }
    const char* code = nullptr;
    switch (ink) {
    case Ink::strong: code = "1"; break;
    case Ink::faint: code = "2"; break;
    case Ink::good: code = "32"; break;
    case Ink::warning: code = "33"; break;
    case Ink::danger: code = "31"; break;
    case Ink::accent: code = "36"; break;
    }
    return std::string{"\x1b["} + (code == nullptr ? "0" : code) + "m" + std::string{text} + "\x1b[0m";
}

} // namespace salvage::render
