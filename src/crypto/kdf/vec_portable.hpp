// A "vector" of one lane in plain C++.
#pragma once

#include "crypto/kdf/vectors.hpp"

namespace salvage::crypto::kdf::portable {

struct Vec1 {
    static constexpr std::size_t lanes = 1;
    std::uint32_t v;

    SALVAGE_KERNEL_INLINE static Vec1 load(const std::uint32_t* at) { return {*at}; }
    SALVAGE_KERNEL_INLINE void store(std::uint32_t* at) const { *at = v; }
    SALVAGE_KERNEL_INLINE static Vec1 load_bytes(const std::byte* at)
    {
        Vec1 vec{};
        __builtin_memcpy(&vec.v, at, sizeof vec.v);
        return vec;
    }
    SALVAGE_KERNEL_INLINE void stream(std::byte* at) const { __builtin_memcpy(at, &v, sizeof v); }
    SALVAGE_KERNEL_INLINE static Vec1 all(std::uint32_t word) { return {word}; }
    template <int bits>
    [[nodiscard]] SALVAGE_KERNEL_INLINE Vec1 rotl() const
    {
        return {(v << bits) | (v >> (32 - bits))};
    }
    template <int bits>
    [[nodiscard]] SALVAGE_KERNEL_INLINE Vec1 shr() const
    {
        return {v >> bits};
    }
};
SALVAGE_KERNEL_INLINE Vec1 operator+(Vec1 x, Vec1 y)
{
    return {x.v + y.v};
}
SALVAGE_KERNEL_INLINE Vec1 operator^(Vec1 x, Vec1 y)
{
    return {x.v ^ y.v};
}
SALVAGE_KERNEL_INLINE Vec1 xor3(Vec1 x, Vec1 y, Vec1 z)
{
    return {x.v ^ y.v ^ z.v};
}
SALVAGE_KERNEL_INLINE Vec1 choose(Vec1 x, Vec1 y, Vec1 z)
{
    return {z.v ^ (x.v & (y.v ^ z.v))};
}
SALVAGE_KERNEL_INLINE Vec1 majority(Vec1 x, Vec1 y, Vec1 z)
{
    return {y.v ^ ((x.v ^ y.v) & (y.v ^ z.v))};
}
SALVAGE_KERNEL_INLINE void transpose(Vec1* /*square*/) {}

} // namespace salvage::crypto::kdf::portable
