// Adiantum with AVX-512.
#include "crypto/sector/adiantum_kernels.hpp"

#if defined(__x86_64__)
#include "crypto/kdf/vec_avx512.hpp"
#include "crypto/sector/chacha_lanes.hpp"

// The intrinsics name memory by their own types; std::simd is no choice yet.
// NOLINTBEGIN(portability-simd-intrinsics,*-avoid-c-arrays)
namespace salvage::crypto::sector {
namespace {

/// NH of four units at once; what lies behind the last is neither read nor counted.
struct Avx512Nh {
    static void nh(const std::uint32_t* key, const std::byte* message, std::size_t bytes, std::uint64_t* sums)
    {
        __m512i sum[nh_passes] = {};
        for (std::size_t at = 0; at < bytes; at += sizeof(__m512i)) {
            const auto words = (bytes - at < sizeof(__m512i) ? bytes - at : sizeof(__m512i)) / sizeof(std::uint32_t);
            const auto present = static_cast<__mmask16>((1U << words) - 1);
            const auto in_message = _mm512_maskz_loadu_epi32(present, message + at);
            for_each<nh_passes>([&](std::size_t pass) SALVAGE_KERNEL_LAMBDA {
                const auto* const in_key = key + (at / sizeof(std::uint32_t)) + (4 * pass);
                const auto added = _mm512_add_epi32(in_message, _mm512_maskz_loadu_epi32(present, in_key));
                const auto words_0_and_1 = _mm512_shuffle_epi32(added, static_cast<_MM_PERM_ENUM>(0x10));
                const auto words_2_and_3 = _mm512_shuffle_epi32(added, static_cast<_MM_PERM_ENUM>(0x32));
                sum[pass] = _mm512_add_epi64(sum[pass], _mm512_mul_epu32(words_0_and_1, words_2_and_3));
            });
        }
        for_each<nh_passes>([&](std::size_t pass) SALVAGE_KERNEL_LAMBDA {
            sums[pass] = static_cast<std::uint64_t>(_mm512_reduce_add_epi64(sum[pass]));
        });
    }
};

} // namespace

const AdiantumKernels adiantum_avx512 = adiantum_kernels<kdf::avx512::Vec16, Avx512Nh>();

} // namespace salvage::crypto::sector
// NOLINTEND(portability-simd-intrinsics,*-avoid-c-arrays)
#endif
