// CRC-32 as GPT uses it.
#include "crc32.hpp"

#include <array>

namespace salvage::partition {
namespace {

consteval std::array<std::uint32_t, 256> make_table()
{
    constexpr std::uint32_t reflected_polynomial = 0xEDB88320;
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
        auto value = i;
        for (int bit = 0; bit < 8; ++bit) {
            value = (value >> 1U) ^ ((value & 1U) != 0 ? reflected_polynomial : 0);
        }
        table[i] = value;
    }
    return table;
}
constexpr auto table = make_table();

} // namespace

std::uint32_t crc32(ByteView bytes) noexcept
{
    std::uint32_t crc = 0xFFFFFFFF;
    for (const auto byte : bytes) {
        crc = (crc >> 8U) ^ table[(crc ^ std::to_integer<std::uint32_t>(byte)) & 0xFFU];
    }
    return ~crc;
}

} // namespace salvage::partition
