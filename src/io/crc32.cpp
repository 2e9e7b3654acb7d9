// CRC-32.  A CRC is a polynomial over GF(2) modulo P; the bit for x^0 is the highest one, as the reflected form has it.
//
// Joining: crc(A followed by B) = crc(A) * x^(8 * length of B) + crc(B), all modulo P.  A pattern repeated n times is
// joined to itself by doubling, so it takes log2(n) products.  Spec: ISO 3309 for P; the joining rule follows from the
// definition, with the two inversions cancelling out.
#include "salvage/io/crc32.hpp"

#include <array>
#include <utility>

namespace salvage::io {
namespace {

constexpr std::uint32_t polynomial = 0xEDB88320;
constexpr std::uint32_t one = 0x80000000;          // x^0
constexpr std::uint32_t x_to_the_8th = 0x00800000; // one byte further on

constexpr std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> out{};
    for (std::uint32_t i = 0; i < out.size(); ++i) {
        auto value = i;
        for (int bit = 0; bit < 8; ++bit) {
            value = (value >> 1U) ^ ((value & 1U) != 0 ? polynomial : 0U);
        }
        out[i] = value;
    }
    return out;
}();

/// Product of two polynomials modulo P.
std::uint32_t multiply(std::uint32_t left, std::uint32_t right) noexcept
{
    std::uint32_t product = 0;
    for (auto bit = one; bit != 0; bit >>= 1U) {
        if ((left & bit) != 0) {
            product ^= right;
        }
        right = (right >> 1U) ^ ((right & 1U) != 0 ? polynomial : 0U); // times x
    }
    return product;
}

/// x^(8 * bytes) modulo P.
std::uint32_t shift_of(std::uint64_t bytes) noexcept
{
    auto out = one;
    for (auto power = x_to_the_8th; bytes != 0; bytes >>= 1U, power = multiply(power, power)) {
        if ((bytes & 1U) != 0) {
            out = multiply(out, power);
        }
    }
    return out;
}

} // namespace

void Crc32::update(ByteView bytes) noexcept
{
    auto state = ~value_;
    for (const auto byte : bytes) {
        state = table[(state ^ std::to_integer<std::uint32_t>(byte)) & 0xFFU] ^ (state >> 8U);
    }
    value_ = ~state;
}

void Crc32::update_repeated(ByteView pattern, std::uint64_t count) noexcept
{
    Crc32 once;
    once.update(pattern);
    auto crc = once.value_;                // of 2^k patterns
    auto shift = shift_of(pattern.size()); // past them
    for (; count != 0; count >>= 1U) {
        if ((count & 1U) != 0) {
            value_ = multiply(value_, shift) ^ crc;
        }
        crc = multiply(crc, shift) ^ crc;
        shift = multiply(shift, shift);
    }
}

} // namespace salvage::io
