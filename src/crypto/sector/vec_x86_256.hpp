// Two blocks on x86: VAES and VPCLMULQDQ on AVX2's registers, for processors that have no AVX-512.
#pragma once

#include "crypto/sector/vec_x86_128.hpp"

// NOLINTBEGIN(*-reinterpret-cast,portability-simd-intrinsics,*-avoid-c-arrays)
namespace salvage::crypto::sector {

template <typename Flags>
struct X86TwoBlocks {
    static constexpr std::size_t blocks = 2;
    __m256i v;

    SALVAGE_KERNEL_INLINE static X86TwoBlocks load(const std::byte* at)
    {
        return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at))};
    }
    SALVAGE_KERNEL_INLINE static X86TwoBlocks all(const std::byte* at)
    {
        return {_mm256_broadcastsi128_si256(load_block(at))};
    }
    SALVAGE_KERNEL_INLINE void store(std::byte* at) const { _mm256_storeu_si256(reinterpret_cast<__m256i*>(at), v); }
    SALVAGE_KERNEL_INLINE void stream(std::byte* at) const { _mm256_stream_si256(reinterpret_cast<__m256i*>(at), v); }
    SALVAGE_KERNEL_INLINE static X86TwoBlocks shifted_in(X86TwoBlocks before, X86TwoBlocks now)
    {
        constexpr int last_and_first = 0x21;
        return {_mm256_permute2x128_si256(before.v, now.v, last_and_first)};
    }

    SALVAGE_KERNEL_INLINE X86TwoBlocks operator^(X86TwoBlocks other) const { return {_mm256_xor_si256(v, other.v)}; }
    [[nodiscard]] SALVAGE_KERNEL_INLINE X86TwoBlocks begin(X86TwoBlocks key) const { return *this ^ key; }
    [[nodiscard]] SALVAGE_KERNEL_INLINE X86TwoBlocks encrypt(X86TwoBlocks /*previous*/, X86TwoBlocks key) const
    {
        return {_mm256_aesenc_epi128(v, key.v)};
    }
    [[nodiscard]] SALVAGE_KERNEL_INLINE X86TwoBlocks decrypt(X86TwoBlocks /*previous*/, X86TwoBlocks key) const
    {
        return {_mm256_aesdec_epi128(v, key.v)};
    }
    [[nodiscard]] SALVAGE_KERNEL_INLINE X86TwoBlocks end_encrypt(X86TwoBlocks /*previous*/, X86TwoBlocks last) const
    {
        return {_mm256_aesenclast_epi128(v, last.v)};
    }
    [[nodiscard]] SALVAGE_KERNEL_INLINE X86TwoBlocks end_decrypt(X86TwoBlocks /*previous*/, X86TwoBlocks last) const
    {
        return {_mm256_aesdeclast_epi128(v, last.v)};
    }

    SALVAGE_KERNEL_INLINE static std::uint32_t substitute(std::uint32_t word) { return X86KeySteps::substitute(word); }
    SALVAGE_KERNEL_INLINE static void unmix(const std::byte* at, std::byte* into) { X86KeySteps::unmix(at, into); }
    static void fence() { X86KeySteps::fence(); }

    /// All masks of a round straight from its first, T: T x^k is T shifted left by k, and the k bits that leave it,
    /// times the polynomial.  k stays below 32, so neither product grows out of a half.
    struct Masks {
        __m256i first;

        SALVAGE_KERNEL_INLINE explicit Masks(const std::byte* at) : first{all(at).v} {}
        [[nodiscard]] SALVAGE_KERNEL_INLINE __m256i times_x_to(long long low_block, long long high_block) const
        {
            const auto shifts = _mm256_setr_epi64x(low_block, low_block, high_block, high_block);
            const auto left = _mm256_sub_epi64(_mm256_set1_epi64x(64), shifts);
            const auto carries = _mm256_srlv_epi64(first, left);
            constexpr int high_half = 0x01;
            const auto reduced = _mm256_clmulepi64_epi128(carries, _mm256_set1_epi64x(xts_polynomial), high_half);
            const auto shifted = _mm256_xor_si256(_mm256_sllv_epi64(first, shifts), _mm256_bslli_epi128(carries, 8));
            return _mm256_xor_si256(shifted, reduced);
        }
        SALVAGE_KERNEL_INLINE void fill(X86TwoBlocks* masks)
        {
            for_each<in_flight>([&](std::size_t i) SALVAGE_KERNEL_LAMBDA {
                const auto k = static_cast<long long>(i) * static_cast<long long>(blocks);
                masks[i].v = times_x_to(k, k + 1);
            });
            constexpr long long all_of_them = in_flight * blocks;
            first = times_x_to(all_of_them, all_of_them);
        }
    };
};

} // namespace salvage::crypto::sector
// NOLINTEND(*-reinterpret-cast,portability-simd-intrinsics,*-avoid-c-arrays)
