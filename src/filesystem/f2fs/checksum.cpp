// CRC-32 of metadata and the hash of names.
#include <algorithm>
#include <array>

#include "layout.hpp"

namespace salvage::filesystem::f2fs {
namespace {

constexpr std::array<std::uint32_t, 256> make_table() noexcept
{
    std::array<std::uint32_t, 256> out{};
    for (std::uint32_t i = 0; i < out.size(); ++i) {
        auto value = i;
        for (unsigned bit = 0; bit < 8; ++bit) {
            value = (value & 1U) != 0 ? value >> 1U ^ 0xEDB88320U : value >> 1U;
        }
        out[i] = value;
    }
    return out;
}
constexpr auto table = make_table();

constexpr std::size_t words_per_round = 4;
constexpr std::size_t bytes_per_round = 4 * words_per_round;
using Words = std::array<std::uint32_t, words_per_round>;

/// Up to 16 bytes of a name, big-endian, the missing ones filled from `length`.
Words words_of(std::string_view name, std::size_t length, NameBytes kind) noexcept
{
    auto pad = static_cast<std::uint32_t>(length) | static_cast<std::uint32_t>(length) << 8U;
    pad |= pad << 16U;
    Words out{pad, pad, pad, pad};
    const auto count = std::min(name.size(), bytes_per_round);
    for (std::size_t i = 0; i < count; ++i) {
        const auto byte = static_cast<unsigned char>(name[i]);
        const auto negative = byte >= 0x80 && kind == NameBytes::negative ? 0xFFFFFF00U : 0U;
        auto& word = out[i / 4];
        word = (word << 8U) + (negative | byte);
    }
    return out;
}

/// Sixteen rounds of the Tiny Encryption Algorithm over the first two words of `state`.
void mix(std::array<std::uint32_t, 2>& state, const Words& key) noexcept
{
    constexpr std::uint32_t delta = 0x9E3779B9;
    auto [left, right] = state;
    std::uint32_t sum = 0;
    for (unsigned round = 0; round < 16; ++round) {
        sum += delta;
        left += ((right << 4U) + key[0]) ^ (right + sum) ^ ((right >> 5U) + key[1]);
        right += ((left << 4U) + key[2]) ^ (left + sum) ^ ((left >> 5U) + key[3]);
    }
    state[0] += left;
    state[1] += right;
}

} // namespace

std::uint32_t checksum(std::uint32_t start, ByteView bytes) noexcept
{
    for (const auto byte : bytes) {
        start = start >> 8U ^ table[(start ^ std::to_integer<std::uint32_t>(byte)) & 0xFFU];
    }
    return start;
}

std::uint32_t name_hash(std::string_view name, NameBytes bytes) noexcept
{
    if (name == "." || name == "..") {
        return 0;
    }
    std::array<std::uint32_t, 2> state{0x67452301, 0xEFCDAB89};
    while (true) {
        mix(state, words_of(name, name.size(), bytes));
        if (name.size() <= bytes_per_round) {
            return state[0];
        }
        name.remove_prefix(bytes_per_round);
    }
}

} // namespace salvage::filesystem::f2fs
