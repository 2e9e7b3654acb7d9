// UTF-16 to UTF-8.  Unicode 15, §3.9.
#include "utf16.hpp"

#include <cstdint>

#include "salvage/core/utf8.hpp"

namespace salvage::partition {
namespace {

constexpr std::uint32_t replacement = 0xFFFD;

std::uint32_t unit_at(ByteView units, std::size_t at, std::endian order)
{
    const auto bytes = units.subspan(at);
    return order == std::endian::little ? load_le<std::uint16_t>(bytes) : load_be<std::uint16_t>(bytes);
}

bool is_high_surrogate(std::uint32_t unit) noexcept
{
    return unit >= 0xD800 && unit < 0xDC00;
}

bool is_low_surrogate(std::uint32_t unit) noexcept
{
    return unit >= 0xDC00 && unit < 0xE000;
}

} // namespace

std::string utf8_from_utf16(ByteView units, std::endian order)
{
    std::string out;
    for (std::size_t at = 0; at + 2 <= units.size(); at += 2) {
        const auto unit = unit_at(units, at, order);
        if (unit == 0) {
            break;
        }
        const auto next = at + 4 <= units.size() ? unit_at(units, at + 2, order) : 0;
        if (is_high_surrogate(unit) && is_low_surrogate(next)) {
            append_character(out, 0x10000 + ((unit - 0xD800) << 10U) + (next - 0xDC00));
            at += 2;
        } else {
            append_character(out, is_high_surrogate(unit) || is_low_surrogate(unit) ? replacement : unit);
        }
    }
    return out;
}

} // namespace salvage::partition
