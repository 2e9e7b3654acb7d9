// One block on x86: AES-NI with SSE4.1.  Flags: a type named for the compiler's flags, so that no two files share what
// is made here.
#pragma once

#include <immintrin.h>

#include "crypto/sector/aes_lanes.hpp"

// The intrinsics name memory by their own types; std::simd is no choice yet.
// NOLINTBEGIN(*-reinterpret-cast,portability-simd-intrinsics,*-avoid-c-arrays)
namespace salvage::crypto::sector {

/// x^128 = x^7 + x^2 + x + 1 in XTS's field.  IEEE 1619, 5.2.
inline constexpr int xts_polynomial = 0x87;

SALVAGE_KERNEL_INLINE static __m128i load_block(const std::byte* at)
{
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}
/// What the vectors of all widths share: a key's expansion goes word by word.
struct X86KeySteps {
    SALVAGE_KERNEL_INLINE static std::uint32_t substitute(std::uint32_t word)
    {
        const auto words = _mm_set1_epi32(static_cast<int>(word));
        return static_cast<std::uint32_t>(_mm_cvtsi128_si32(_mm_aeskeygenassist_si128(words, 0)));
    }
    SALVAGE_KERNEL_INLINE static void unmix(const std::byte* at, std::byte* into)
    {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(into), _mm_aesimc_si128(load_block(at)));
    }
    SALVAGE_KERNEL_INLINE static void fence() { _mm_sfence(); }
};

template <typename Flags>
struct X86Block {
    static constexpr std::size_t blocks = 1;
    __m128i v;

    SALVAGE_KERNEL_INLINE static X86Block load(const std::byte* at) { return {load_block(at)}; }
    SALVAGE_KERNEL_INLINE static X86Block all(const std::byte* at) { return load(at); }
    SALVAGE_KERNEL_INLINE void store(std::byte* at) const { _mm_storeu_si128(reinterpret_cast<__m128i*>(at), v); }
    SALVAGE_KERNEL_INLINE void stream(std::byte* at) const { _mm_stream_si128(reinterpret_cast<__m128i*>(at), v); }
    SALVAGE_KERNEL_INLINE static X86Block shifted_in(X86Block before, X86Block /*now*/) { return before; }

    SALVAGE_KERNEL_INLINE X86Block operator^(X86Block other) const { return {_mm_xor_si128(v, other.v)}; }
    [[nodiscard]] SALVAGE_KERNEL_INLINE X86Block begin(X86Block key) const { return *this ^ key; }
    [[nodiscard]] SALVAGE_KERNEL_INLINE X86Block encrypt(X86Block /*previous*/, X86Block key) const
    {
        return {_mm_aesenc_si128(v, key.v)};
    }
    [[nodiscard]] SALVAGE_KERNEL_INLINE X86Block decrypt(X86Block /*previous*/, X86Block key) const
    {
        return {_mm_aesdec_si128(v, key.v)};
    }
    [[nodiscard]] SALVAGE_KERNEL_INLINE X86Block end_encrypt(X86Block /*previous*/, X86Block last) const
    {
        return {_mm_aesenclast_si128(v, last.v)};
    }
    [[nodiscard]] SALVAGE_KERNEL_INLINE X86Block end_decrypt(X86Block /*previous*/, X86Block last) const
    {
        return {_mm_aesdeclast_si128(v, last.v)};
    }

    SALVAGE_KERNEL_INLINE static std::uint32_t substitute(std::uint32_t word) { return X86KeySteps::substitute(word); }
    SALVAGE_KERNEL_INLINE static void unmix(const std::byte* at, std::byte* into) { X86KeySteps::unmix(at, into); }
    static void fence() { X86KeySteps::fence(); }

    /// Each mask is the one before times x: doubled, the bit that leaves each half carried into the other.
    struct Masks {
        __m128i next;

        SALVAGE_KERNEL_INLINE explicit Masks(const std::byte* first) : next{load_block(first)} {}
        SALVAGE_KERNEL_INLINE void fill(X86Block* masks)
        {
            constexpr int crossed = 0x13; // word 3 where the low half's carry goes, word 1 where the high half's goes
            const auto carries_are = _mm_set_epi32(0, 1, 0, xts_polynomial);
            for_each<in_flight>([&](std::size_t i) SALVAGE_KERNEL_LAMBDA {
                masks[i].v = next;
                const auto signs = _mm_srai_epi32(_mm_shuffle_epi32(next, crossed), 31);
                next = _mm_xor_si128(_mm_add_epi64(next, next), _mm_and_si128(signs, carries_are));
            });
        }
    };
};

} // namespace salvage::crypto::sector
// NOLINTEND(*-reinterpret-cast,portability-simd-intrinsics,*-avoid-c-arrays)
