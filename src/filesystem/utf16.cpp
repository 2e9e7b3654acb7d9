// UTF-16 to UTF-8, for names.
#include "utf16.hpp"

#include <cstdint>

#include "salvage/core/utf8.hpp"

namespace salvage::filesystem {
namespace {

constexpr std::uint32_t replacement = 0xFFFD;

bool is_high(std::uint32_t unit) noexcept
{
    return unit >= 0xD800 && unit < 0xDC00;
}

bool is_low(std::uint32_t unit) noexcept
{
    return unit >= 0xDC00 && unit < 0xE000;
}

} // namespace

std::string name_from_utf16(ByteView bytes)
{
    std::string out;
    for (std::size_t at = 0; bytes.size() - at >= 2; at += 2) {
        std::uint32_t code = load_le<std::uint16_t>(bytes.subspan(at));
        if (is_high(code) && bytes.size() - at >= 4) {
            const std::uint32_t next = load_le<std::uint16_t>(bytes.subspan(at + 2));
            if (is_low(next)) {
                code = 0x10000 + ((code - 0xD800) << 10U) + (next - 0xDC00);
                at += 2;
            }
        }
        append_character(out, code == '/' || code == 0 ? replacement : code);
    }
    return out;
}

} // namespace salvage::filesystem
