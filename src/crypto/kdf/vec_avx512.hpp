// Vectors with AVX-512 (F, VL): rotates and any function of three words in one instruction, 32 registers.  Narrow ones
// serve scrypt with few lanes.
#pragma once

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12's own avx512fintrin.h starts from undefined registers, and without optimisation the compiler warns about that.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include "crypto/kdf/vec_x86_128.hpp"
#include "crypto/kdf/vec_x86_256.hpp"
#include "crypto/kdf/vectors.hpp"

// The intrinsics name memory by their own types; std::simd is no choice yet.
// NOLINTBEGIN(*-reinterpret-cast,portability-simd-intrinsics,*-array-to-pointer-decay)
namespace salvage::crypto::kdf::avx512 {

struct Flags;
using Vec4 = X86Vec4<Flags>;
using Vec8 = X86Vec8<Flags>;

// Truth tables of vpternlog: bit 4x + 2y + z is the answer for bits x, y, z.
constexpr int table_xor3 = 0x96;
constexpr int table_choose = 0xCA;
constexpr int table_majority = 0xE8;

struct Vec16 {
    static constexpr std::size_t lanes = 16;
    __m512i v;

    SALVAGE_KERNEL_INLINE static Vec16 load(const std::uint32_t* at) { return {_mm512_loadu_si512(at)}; }
    SALVAGE_KERNEL_INLINE void store(std::uint32_t* at) const { _mm512_storeu_si512(at, v); }
    SALVAGE_KERNEL_INLINE static Vec16 load_bytes(const std::byte* at) { return {_mm512_load_si512(at)}; }
    SALVAGE_KERNEL_INLINE void stream(std::byte* at) const { _mm512_stream_si512(reinterpret_cast<__m512i*>(at), v); }
    SALVAGE_KERNEL_INLINE static Vec16 all(std::uint32_t word) { return {_mm512_set1_epi32(static_cast<int>(word))}; }
    template <int bits>
    [[nodiscard]] SALVAGE_KERNEL_INLINE Vec16 rotl() const
    {
        return {_mm512_rol_epi32(v, bits)};
    }
    template <int bits>
    [[nodiscard]] SALVAGE_KERNEL_INLINE Vec16 shr() const
    {
        return {_mm512_srli_epi32(v, bits)};
    }
};
SALVAGE_KERNEL_INLINE Vec16 operator+(Vec16 x, Vec16 y)
{
    return {_mm512_add_epi32(x.v, y.v)};
}
SALVAGE_KERNEL_INLINE Vec16 operator^(Vec16 x, Vec16 y)
{
    return {_mm512_xor_si512(x.v, y.v)};
}
SALVAGE_KERNEL_INLINE Vec16 xor3(Vec16 x, Vec16 y, Vec16 z)
{
    return {_mm512_ternarylogic_epi32(x.v, y.v, z.v, table_xor3)};
}
SALVAGE_KERNEL_INLINE Vec16 choose(Vec16 x, Vec16 y, Vec16 z)
{
    return {_mm512_ternarylogic_epi32(x.v, y.v, z.v, table_choose)};
}
SALVAGE_KERNEL_INLINE Vec16 majority(Vec16 x, Vec16 y, Vec16 z)
{
    return {_mm512_ternarylogic_epi32(x.v, y.v, z.v, table_majority)};
}

/// Squares of four words a side first, then the squares change places.
SALVAGE_KERNEL_INLINE void transpose(Vec16* square)
{
    for_each<4>([&](std::size_t i) SALVAGE_KERNEL_LAMBDA {
        auto* const row = square + (4 * i);
        const auto a = _mm512_unpacklo_epi32(row[0].v, row[1].v);
        const auto b = _mm512_unpackhi_epi32(row[0].v, row[1].v);
        const auto c = _mm512_unpacklo_epi32(row[2].v, row[3].v);
        const auto d = _mm512_unpackhi_epi32(row[2].v, row[3].v);
        row[0].v = _mm512_unpacklo_epi64(a, c);
        row[1].v = _mm512_unpackhi_epi64(a, c);
        row[2].v = _mm512_unpacklo_epi64(b, d);
        row[3].v = _mm512_unpackhi_epi64(b, d);
    });
    constexpr int even_quarters = 0x88;
    constexpr int odd_quarters = 0xDD;
    for_each<4>([&](std::size_t i) SALVAGE_KERNEL_LAMBDA {
        auto* const row = square + i;
        const auto even_low = _mm512_shuffle_i32x4(row[0].v, row[4].v, even_quarters);
        const auto odd_low = _mm512_shuffle_i32x4(row[0].v, row[4].v, odd_quarters);
        const auto even_high = _mm512_shuffle_i32x4(row[8].v, row[12].v, even_quarters);
        const auto odd_high = _mm512_shuffle_i32x4(row[8].v, row[12].v, odd_quarters);
        row[0].v = _mm512_shuffle_i32x4(even_low, even_high, even_quarters);
        row[4].v = _mm512_shuffle_i32x4(odd_low, odd_high, even_quarters);
        row[8].v = _mm512_shuffle_i32x4(even_low, even_high, odd_quarters);
        row[12].v = _mm512_shuffle_i32x4(odd_low, odd_high, odd_quarters);
    });
}

} // namespace salvage::crypto::kdf::avx512
// NOLINTEND(*-reinterpret-cast,portability-simd-intrinsics,*-array-to-pointer-decay)
