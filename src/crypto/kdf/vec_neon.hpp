// Vectors with NEON, which every 64-bit ARM has.
#pragma once

#include <arm_neon.h>

#include "crypto/kdf/vectors.hpp"

// NOLINTBEGIN(*-reinterpret-cast): the intrinsics name memory by its words.
namespace salvage::crypto::kdf::neon {

struct Vec4 {
    static constexpr std::size_t lanes = 4;
    uint32x4_t v;

    SALVAGE_KERNEL_INLINE static Vec4 load(const std::uint32_t* at) { return {vld1q_u32(at)}; }
    SALVAGE_KERNEL_INLINE void store(std::uint32_t* at) const { vst1q_u32(at, v); }
    SALVAGE_KERNEL_INLINE static Vec4 load_bytes(const std::byte* at)
    {
        return {vreinterpretq_u32_u8(vld1q_u8(reinterpret_cast<const std::uint8_t*>(at)))};
    }
    SALVAGE_KERNEL_INLINE void stream(std::byte* at) const
    {
        vst1q_u8(reinterpret_cast<std::uint8_t*>(at), vreinterpretq_u8_u32(v));
    }
    SALVAGE_KERNEL_INLINE static Vec4 all(std::uint32_t word) { return {vdupq_n_u32(word)}; }
    template <int bits>
    [[nodiscard]] SALVAGE_KERNEL_INLINE Vec4 rotl() const
    {
        return {vsriq_n_u32(vshlq_n_u32(v, bits), v, 32 - bits)};
    }
    template <int bits>
    [[nodiscard]] SALVAGE_KERNEL_INLINE Vec4 shr() const
    {
        return {vshrq_n_u32(v, bits)};
    }
};
SALVAGE_KERNEL_INLINE Vec4 operator+(Vec4 x, Vec4 y)
{
    return {vaddq_u32(x.v, y.v)};
}
SALVAGE_KERNEL_INLINE Vec4 operator^(Vec4 x, Vec4 y)
{
    return {veorq_u32(x.v, y.v)};
}
SALVAGE_KERNEL_INLINE Vec4 xor3(Vec4 x, Vec4 y, Vec4 z)
{
    return x ^ y ^ z;
}
SALVAGE_KERNEL_INLINE Vec4 choose(Vec4 x, Vec4 y, Vec4 z)
{
    return {vbslq_u32(x.v, y.v, z.v)};
}
SALVAGE_KERNEL_INLINE Vec4 majority(Vec4 x, Vec4 y, Vec4 z)
{
    return {vbslq_u32(veorq_u32(x.v, y.v), z.v, y.v)};
}
SALVAGE_KERNEL_INLINE void transpose(Vec4* row)
{
    const auto a = vtrn1q_u32(row[0].v, row[1].v);
    const auto b = vtrn2q_u32(row[0].v, row[1].v);
    const auto c = vtrn1q_u32(row[2].v, row[3].v);
    const auto d = vtrn2q_u32(row[2].v, row[3].v);
    const auto wide = [](uint32x4_t words) SALVAGE_KERNEL_LAMBDA { return vreinterpretq_u64_u32(words); };
    row[0].v = vreinterpretq_u32_u64(vtrn1q_u64(wide(a), wide(c)));
    row[1].v = vreinterpretq_u32_u64(vtrn1q_u64(wide(b), wide(d)));
    row[2].v = vreinterpretq_u32_u64(vtrn2q_u64(wide(a), wide(c)));
    row[3].v = vreinterpretq_u32_u64(vtrn2q_u64(wide(b), wide(d)));
}

} // namespace salvage::crypto::kdf::neon
// NOLINTEND(*-reinterpret-cast)
