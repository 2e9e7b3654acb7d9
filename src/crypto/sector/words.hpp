// Little-endian words at any place, as one load or store each: core's byte by byte forms are not made into such at -O2.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace salvage::crypto::sector {

[[nodiscard]] constexpr std::uint64_t little_endian(std::uint64_t number) noexcept
{
    return std::endian::native == std::endian::big ? std::byteswap(number) : number;
}
/// Requires: 8 bytes at `at`.
[[nodiscard]] inline std::uint64_t load_word(const std::byte* at) noexcept
{
    std::uint64_t word{};
    std::memcpy(&word, at, sizeof word);
    return little_endian(word);
}
inline void store_word(std::byte* at, std::uint64_t number) noexcept
{
    const auto word = little_endian(number);
    std::memcpy(at, &word, sizeof word);
}

} // namespace salvage::crypto::sector
