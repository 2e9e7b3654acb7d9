// Bit by bit: superblocks are small, and few are looked at.
#include "fde/crc.hpp"

namespace salvage::fde {
namespace {

std::uint32_t reflected_crc(std::uint32_t polynomial, std::uint32_t crc, ByteView bytes) noexcept
{
    for (const auto byte : bytes) {
        crc ^= std::to_integer<std::uint32_t>(byte);
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1U) ^ (polynomial & (0U - (crc & 1U)));
        }
    }
    return crc;
}

} // namespace

std::uint32_t crc32c(ByteView bytes) noexcept
{
    return reflected_crc(0x82F63B78, 0xFFFFFFFF, bytes);
}

std::uint32_t f2fs_crc32(std::uint32_t seed, ByteView bytes) noexcept
{
    return reflected_crc(0xEDB88320, seed, bytes);
}

} // namespace salvage::fde
