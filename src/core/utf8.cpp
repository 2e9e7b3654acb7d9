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

} // namespace salvage
