// Squares of words, transposed in the registers of x86.
#pragma once

#include <immintrin.h>

#include "crypto/kdf/vectors.hpp"

namespace salvage::crypto::kdf {

template <typename Vec>
SALVAGE_KERNEL_INLINE static void transpose_4(Vec* row)
{
    const auto a = _mm_unpacklo_epi32(row[0].v, row[1].v);
    const auto b = _mm_unpackhi_epi32(row[0].v, row[1].v);
    const auto c = _mm_unpacklo_epi32(row[2].v, row[3].v);
    const auto d = _mm_unpackhi_epi32(row[2].v, row[3].v);
    row[0].v = _mm_unpacklo_epi64(a, c);
    row[1].v = _mm_unpackhi_epi64(a, c);
    row[2].v = _mm_unpacklo_epi64(b, d);
    row[3].v = _mm_unpackhi_epi64(b, d);
}

#if defined(__AVX2__)
/// Squares of four words a side first, then the squares change places.
template <typename Vec>
SALVAGE_KERNEL_INLINE static void transpose_8(Vec* square)
{
    for_each<2>([&](std::size_t i) SALVAGE_KERNEL_LAMBDA {
        auto* const row = square + (4 * i);
        const auto a = _mm256_unpacklo_epi32(row[0].v, row[1].v);
        const auto b = _mm256_unpackhi_epi32(row[0].v, row[1].v);
        const auto c = _mm256_unpacklo_epi32(row[2].v, row[3].v);
        const auto d = _mm256_unpackhi_epi32(row[2].v, row[3].v);
        row[0].v = _mm256_unpacklo_epi64(a, c);
        row[1].v = _mm256_unpackhi_epi64(a, c);
        row[2].v = _mm256_unpacklo_epi64(b, d);
        row[3].v = _mm256_unpackhi_epi64(b, d);
    });
    constexpr int low_halves = 0x20;
    constexpr int high_halves = 0x31;
    for_each<4>([&](std::size_t i) SALVAGE_KERNEL_LAMBDA {
        const auto low = _mm256_permute2x128_si256(square[i].v, square[4 + i].v, low_halves);
        square[4 + i].v = _mm256_permute2x128_si256(square[i].v, square[4 + i].v, high_halves);
        square[i].v = low;
    });
}
#endif

} // namespace salvage::crypto::kdf
