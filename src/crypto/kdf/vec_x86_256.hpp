// Vectors of 256 bits on x86: AVX2.  Flags: as in vec_x86_128.hpp.
#pragma once

#include <immintrin.h>

#include "crypto/kdf/transpose_x86.hpp"
#include "crypto/kdf/vectors.hpp"

// The intrinsics name memory by their own types; std::simd is no choice yet.
// NOLINTBEGIN(*-reinterpret-cast,portability-simd-intrinsics,*-array-to-pointer-decay)
namespace salvage::crypto::kdf {

template <typename Flags>
struct X86Vec8 {
    static constexpr std::size_t lanes = 8;
    __m256i v;

    SALVAGE_KERNEL_INLINE static X86Vec8 load(const std::uint32_t* at)
    {
        return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at))};
    }
    SALVAGE_KERNEL_INLINE void store(std::uint32_t* at) const
    {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(at), v);
    }
    SALVAGE_KERNEL_INLINE static X86Vec8 load_bytes(const std::byte* at)
    {
        return {_mm256_load_si256(reinterpret_cast<const __m256i*>(at))};
    }
    SALVAGE_KERNEL_INLINE void stream(std::byte* at) const { _mm256_stream_si256(reinterpret_cast<__m256i*>(at), v); }
    SALVAGE_KERNEL_INLINE static X86Vec8 all(std::uint32_t word) { return {_mm256_set1_epi32(static_cast<int>(word))}; }
    template <int bits>
    [[nodiscard]] SALVAGE_KERNEL_INLINE X86Vec8 rotl() const
    {
#if defined(__AVX512VL__)
        return {_mm256_rol_epi32(v, bits)};
#else
        return {_mm256_or_si256(_mm256_slli_epi32(v, bits), _mm256_srli_epi32(v, 32 - bits))};
#endif
    }
    template <int bits>
    [[nodiscard]] SALVAGE_KERNEL_INLINE X86Vec8 shr() const
    {
        return {_mm256_srli_epi32(v, bits)};
    }
};
template <typename Flags>
SALVAGE_KERNEL_INLINE X86Vec8<Flags> operator+(X86Vec8<Flags> x, X86Vec8<Flags> y)
{
    return {_mm256_add_epi32(x.v, y.v)};
}
template <typename Flags>
SALVAGE_KERNEL_INLINE X86Vec8<Flags> operator^(X86Vec8<Flags> x, X86Vec8<Flags> y)
{
    return {_mm256_xor_si256(x.v, y.v)};
}
template <typename Flags>
SALVAGE_KERNEL_INLINE X86Vec8<Flags> operator&(X86Vec8<Flags> x, X86Vec8<Flags> y)
{
    return {_mm256_and_si256(x.v, y.v)};
}
template <typename Flags>
SALVAGE_KERNEL_INLINE X86Vec8<Flags> xor3(X86Vec8<Flags> x, X86Vec8<Flags> y, X86Vec8<Flags> z)
{
    return x ^ y ^ z;
}
template <typename Flags>
SALVAGE_KERNEL_INLINE X86Vec8<Flags> choose(X86Vec8<Flags> x, X86Vec8<Flags> y, X86Vec8<Flags> z)
{
    return z ^ (x & (y ^ z));
}
template <typename Flags>
SALVAGE_KERNEL_INLINE X86Vec8<Flags> majority(X86Vec8<Flags> x, X86Vec8<Flags> y, X86Vec8<Flags> z)
{
    return y ^ ((x ^ y) & (y ^ z));
}
template <typename Flags>
SALVAGE_KERNEL_INLINE void transpose(X86Vec8<Flags>* square)
{
    transpose_8(square);
}

} // namespace salvage::crypto::kdf
// NOLINTEND(*-reinterpret-cast,portability-simd-intrinsics,*-array-to-pointer-decay)
