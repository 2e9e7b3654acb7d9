// Four blocks on x86: VAES and VPCLMULQDQ on AVX-512's registers, double shifts from VBMI2.
#pragma once

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12's own avx512fintrin.h starts from undefined registers, and without optimisation the compiler warns about that.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include "crypto/sector/vec_x86_128.hpp"

// NOLINTBEGIN(*-reinterpret-cast,portability-simd-intrinsics,*-avoid-c-arrays)
namespace salvage::crypto::sector {

template <typename Flags>
struct X86FourBlocks {
    static constexpr std::size_t blocks = 4;
    __m512i v;

    SALVAGE_KERNEL_INLINE static X86FourBlocks load(const std::byte* at) { return {_mm512_loadu_si512(at)}; }
    SALVAGE_KERNEL_INLINE static X86FourBlocks all(const std::byte* at)
    {
        return {_mm512_broadcast_i32x4(load_block(at))};
    }
    SALVAGE_KERNEL_INLINE void store(std::byte* at) const { _mm512_storeu_si512(at, v); }
    SALVAGE_KERNEL_INLINE void stream(std::byte* at) const { _mm512_stream_si512(reinterpret_cast<__m512i*>(at), v); }
    SALVAGE_KERNEL_INLINE static X86FourBlocks shifted_in(X86FourBlocks before, X86FourBlocks now)
    {
        constexpr int words_of_three_blocks = 6;
        return {_mm512_alignr_epi64(now.v, before.v, words_of_three_blocks)};
    }

    SALVAGE_KERNEL_INLINE X86FourBlocks operator^(X86FourBlocks other) const { return {_mm512_xor_si512(v, other.v)}; }
    [[nodiscard]] SALVAGE_KERNEL_INLINE X86FourBlocks begin(X86FourBlocks key) const { return *this ^ key; }
    [[nodiscard]] SALVAGE_KERNEL_INLINE X86FourBlocks encrypt(X86FourBlocks /*previous*/, X86FourBlocks key) const
    {
        return {_mm512_aesenc_epi128(v, key.v)};
    }
    [[nodiscard]] SALVAGE_KERNEL_INLINE X86FourBlocks decrypt(X86FourBlocks /*previous*/, X86FourBlocks key) const
    {
        return {_mm512_aesdec_epi128(v, key.v)};
    }
    [[nodiscard]] SALVAGE_KERNEL_INLINE X86FourBlocks end_encrypt(X86FourBlocks /*previous*/, X86FourBlocks last) const
    {
        return {_mm512_aesenclast_epi128(v, last.v)};
    }
    [[nodiscard]] SALVAGE_KERNEL_INLINE X86FourBlocks end_decrypt(X86FourBlocks /*previous*/, X86FourBlocks last) const
    {
        return {_mm512_aesdeclast_epi128(v, last.v)};
    }

    SALVAGE_KERNEL_INLINE static std::uint32_t substitute(std::uint32_t word) { return X86KeySteps::substitute(word); }
    SALVAGE_KERNEL_INLINE static void unmix(const std::byte* at, std::byte* into) { X86KeySteps::unmix(at, into); }
    static void fence() { X86KeySteps::fence(); }

    /// As X86TwoBlocks::Masks; the shift over both halves is one instruction here.
    struct Masks {
        __m512i first;
        __m512i low_raised; ///< the low half of `first` in the high half's place

        SALVAGE_KERNEL_INLINE explicit Masks(const std::byte* at)
            : first{all(at).v}, low_raised{_mm512_bslli_epi128(first, 8)}
        {
        }
        SALVAGE_KERNEL_INLINE void start(__m512i mask)
        {
            first = mask;
            low_raised = _mm512_bslli_epi128(mask, 8);
        }
        [[nodiscard]] SALVAGE_KERNEL_INLINE __m512i times_x_to(__m512i shifts, __m512i left) const
        {
            constexpr int high_half = 0x01;
            const auto carries = _mm512_srlv_epi64(first, left);
            const auto reduced = _mm512_clmulepi64_epi128(carries, _mm512_set1_epi64(xts_polynomial), high_half);
            return _mm512_xor_si512(_mm512_shldv_epi64(first, low_raised, shifts), reduced);
        }
        SALVAGE_KERNEL_INLINE void fill(X86FourBlocks* masks)
        {
            for_each<in_flight>([&](std::size_t i) SALVAGE_KERNEL_LAMBDA {
                const auto k = static_cast<long long>(i) * static_cast<long long>(blocks);
                masks[i].v =
                    times_x_to(_mm512_setr_epi64(k, k, k + 1, k + 1, k + 2, k + 2, k + 3, k + 3),
                               _mm512_setr_epi64(64 - k, 64 - k, 63 - k, 63 - k, 62 - k, 62 - k, 61 - k, 61 - k));
            });
            constexpr long long all_of_them = in_flight * blocks;
            start(times_x_to(_mm512_set1_epi64(all_of_them), _mm512_set1_epi64(64 - all_of_them)));
        }
    };
};

} // namespace salvage::crypto::sector
// NOLINTEND(*-reinterpret-cast,portability-simd-intrinsics,*-avoid-c-arrays)
