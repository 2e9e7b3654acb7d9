#include "salvage/core/utf8.hpp"

#include <array>

namespace salvage {

Utf8Character first_character(std::string_view text) noexcept
{
    if (text.empty()) {
        return {};
    }
    const auto byte = [&](std::size_t at) { return std::uint32_t{static_cast<unsigned char>(text[at])}; };
    const auto lead = byte(0);
    if (lead < 0x80U) {
        return {.code = lead, .length = 1};
    }
    const std::size_t length = lead >= 0xF0U ? 4 : lead >= 0xE0U ? 3 : 2;
    if (lead < 0xC2U || lead > 0xF4U || text.size() < length) {
        return {};
    }
    auto code = lead & (0xFFU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0U) != 0x80U) {
            return {};
        }
        code = (code << 6U) | (byte(i) & 0x3FU);
    }
    constexpr std::array<std::uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
    const bool is_surrogate = code >= 0xD800U && code <= 0xDFFFU;
    if (code < least.at(length) || code > 0x10FFFFU || is_surrogate) {
        return {};
    }
    return {.code = code, .length = length};
}

bool is_utf8(std::string_view text) noexcept
{
    while (!text.empty()) {
        const auto length = first_character(text).length;
        if (length == 0) {
            return false;
        }
        text.remove_prefix(length);
    }
    return true;
}

void append_character(std::string& out, std::uint32_t code)
{
    const auto tail = [&](unsigned shift) { out += static_cast<char>(0x80U | ((code >> shift) & 0x3FU)); };
    if (code < 0x80U) {
        out += static_cast<char>(code);
    } else if (code < 0x800U) {
        out += static_cast<char>(0xC0U | (code >> 6U));
        tail(0);
    } else if (code < 0x10000U) {
        out += static_cast<char>(0xE0U | (code >> 12U));
        tail(6);
        tail(0);
    } else {
        out += static_cast<char>(0xF0U | (code >> 18U));
        tail(12);
        tail(6);
        tail(0);
    }
}

} // namespace salvage
