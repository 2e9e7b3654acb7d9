// Vectors with AVX2.
#pragma once

#include <immintrin.h>

#include "crypto/kdf/transpose_x86.hpp"
#include "crypto/kdf/vec_x86_128.hpp"
#include "crypto/kdf/vectors.hpp"

// The intrinsics name memory by their own types; std::simd is no choice yet.
// NOLINTBEGIN(*-reinterpret-cast,portability-simd-intrinsics,*-array-to-pointer-decay)
namespace salvage::crypto::kdf::avx2 {

/// For scrypt with few lanes.
struct Flags;
using Vec4 = X86Vec4<Flags>;

struct Vec8 {
    static constexpr std::size_t lanes = 8;
    __m256i v;

    SALVAGE_KERNEL_INLINE static Vec8 load(const std::uint32_t* at)
    {
        return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at))};
    }
    SALVAGE_KERNEL_INLINE void store(std::uint32_t* at) const
    {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(at), v);
    }
    SALVAGE_KERNEL_INLINE static Vec8 load_bytes(const std::byte* at)
    {
        return {_mm256_load_si256(reinterpret_cast<const __m256i*>(at))};
    }
    SALVAGE_KERNEL_INLINE void stream(std::byte* at) const { _mm256_stream_si256(reinterpret_cast<__m256i*>(at), v); }
    SALVAGE_KERNEL_INLINE static Vec8 all(std::uint32_t word) { return {_mm256_set1_epi32(static_cast<int>(word))}; }
    template <int bits>
    [[nodiscard]] SALVAGE_KERNEL_INLINE Vec8 rotl() const
    {
        return {_mm256_or_si256(_mm256_slli_epi32(v, bits), _mm256_srli_epi32(v, 32 - bits))};
    }
    template <int bits>
    [[nodiscard]] SALVAGE_KERNEL_INLINE Vec8 shr() const
    {
        return {_mm256_srli_epi32(v, bits)};
    }
};
SALVAGE_KERNEL_INLINE Vec8 operator+(Vec8 x, Vec8 y)
{
    return {_mm256_add_epi32(x.v, y.v)};
}
SALVAGE_KERNEL_INLINE Vec8 operator^(Vec8 x, Vec8 y)
{
    return {_mm256_xor_si256(x.v, y.v)};
}
SALVAGE_KERNEL_INLINE Vec8 operator&(Vec8 x, Vec8 y)
{
    return {_mm256_and_si256(x.v, y.v)};
}
SALVAGE_KERNEL_INLINE Vec8 xor3(Vec8 x, Vec8 y, Vec8 z)
{
    return x ^ y ^ z;
}
SALVAGE_KERNEL_INLINE Vec8 choose(Vec8 x, Vec8 y, Vec8 z)
{
    return z ^ (x & (y ^ z));
}
SALVAGE_KERNEL_INLINE Vec8 majority(Vec8 x, Vec8 y, Vec8 z)
{
    return y ^ ((x ^ y) & (y ^ z));
}
SALVAGE_KERNEL_INLINE void transpose(Vec8* square)
{
    transpose_8(square);
}

} // namespace salvage::crypto::kdf::avx2
// NOLINTEND(*-reinterpret-cast,portability-simd-intrinsics,*-array-to-pointer-decay)
