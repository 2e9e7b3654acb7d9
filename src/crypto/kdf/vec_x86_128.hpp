// Vectors of 128 bits on x86.  Flags names the flags they are compiled with: with those of AVX2 the same operations
// take three operands, with those of AVX-512 a rotate is one instruction.
#pragma once

#include <immintrin.h>

#include "crypto/kdf/transpose_x86.hpp"
#include "crypto/kdf/vectors.hpp"

// The intrinsics name memory by their own types; std::simd is no choice yet.
// NOLINTBEGIN(*-reinterpret-cast,portability-simd-intrinsics,*-array-to-pointer-decay)
namespace salvage::crypto::kdf {

template <typename Flags>
struct X86Vec4 {
    static constexpr std::size_t lanes = 4;
    __m128i v;

    SALVAGE_KERNEL_INLINE static X86Vec4 load(const std::uint32_t* at)
    {
        return {_mm_loadu_si128(reinterpret_cast<const __m128i*>(at))};
    }
    SALVAGE_KERNEL_INLINE void store(std::uint32_t* at) const { _mm_storeu_si128(reinterpret_cast<__m128i*>(at), v); }
    SALVAGE_KERNEL_INLINE static X86Vec4 load_bytes(const std::byte* at)
    {
        return {_mm_load_si128(reinterpret_cast<const __m128i*>(at))};
    }
    SALVAGE_KERNEL_INLINE void stream(std::byte* at) const { _mm_stream_si128(reinterpret_cast<__m128i*>(at), v); }
    SALVAGE_KERNEL_INLINE static X86Vec4 all(std::uint32_t word) { return {_mm_set1_epi32(static_cast<int>(word))}; }
    template <int bits>
    [[nodiscard]] SALVAGE_KERNEL_INLINE X86Vec4 rotl() const
    {
#if defined(__AVX512VL__)
        return {_mm_rol_epi32(v, bits)};
#else
        return {_mm_or_si128(_mm_slli_epi32(v, bits), _mm_srli_epi32(v, 32 - bits))};
#endif
    }
    template <int bits>
    [[nodiscard]] SALVAGE_KERNEL_INLINE X86Vec4 shr() const
    {
        return {_mm_srli_epi32(v, bits)};
    }
};
template <typename Flags>
SALVAGE_KERNEL_INLINE X86Vec4<Flags> operator+(X86Vec4<Flags> x, X86Vec4<Flags> y)
{
    return {_mm_add_epi32(x.v, y.v)};
}
template <typename Flags>
SALVAGE_KERNEL_INLINE X86Vec4<Flags> operator^(X86Vec4<Flags> x, X86Vec4<Flags> y)
{
    return {_mm_xor_si128(x.v, y.v)};
}
template <typename Flags>
SALVAGE_KERNEL_INLINE X86Vec4<Flags> operator&(X86Vec4<Flags> x, X86Vec4<Flags> y)
{
    return {_mm_and_si128(x.v, y.v)};
}
template <typename Flags>
SALVAGE_KERNEL_INLINE X86Vec4<Flags> xor3(X86Vec4<Flags> x, X86Vec4<Flags> y, X86Vec4<Flags> z)
{
    return x ^ y ^ z;
}
template <typename Flags>
SALVAGE_KERNEL_INLINE X86Vec4<Flags> choose(X86Vec4<Flags> x, X86Vec4<Flags> y, X86Vec4<Flags> z)
{
    return z ^ (x & (y ^ z));
}
template <typename Flags>
SALVAGE_KERNEL_INLINE X86Vec4<Flags> majority(X86Vec4<Flags> x, X86Vec4<Flags> y, X86Vec4<Flags> z)
{
    return y ^ ((x ^ y) & (y ^ z));
}
template <typename Flags>
SALVAGE_KERNEL_INLINE void transpose(X86Vec4<Flags>* square)
{
    transpose_4(square);
}

} // namespace salvage::crypto::kdf
// NOLINTEND(*-reinterpret-cast,portability-simd-intrinsics,*-array-to-pointer-decay)
