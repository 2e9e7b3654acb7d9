// Adiantum with AVX2.
#include "crypto/sector/adiantum_kernels.hpp"

#if defined(__x86_64__)
#include "crypto/kdf/vec_avx2.hpp"
#include "crypto/sector/chacha_lanes.hpp"

// The intrinsics name memory by their own types; std::simd is no choice yet.
// NOLINTBEGIN(*-reinterpret-cast,portability-simd-intrinsics,*-avoid-c-arrays)
namespace salvage::crypto::sector {
namespace {

/// Whole bytes move in one shuffle where a rotation takes two shifts and an OR.
struct Avx2Rotation {
    using Vec = kdf::avx2::Vec8;

    template <int bits>
    SALVAGE_KERNEL_INLINE static Vec rotl(Vec x)
    {
        if constexpr (bits == 16) {
            return {_mm256_shuffle_epi8(x.v, in_each_half(0x0504070601000302))};
        } else if constexpr (bits == 8) {
            return {_mm256_shuffle_epi8(x.v, in_each_half(0x0605040702010003))};
        } else {
            return x.rotl<bits>();
        }
    }
    /// The upper eight bytes of a half count from 8 on.
    SALVAGE_KERNEL_INLINE static __m256i in_each_half(long long lower)
    {
        constexpr long long upper = 0x0808080808080808;
        return _mm256_setr_epi64x(lower, lower + upper, lower, lower + upper);
    }
};

/// NH of two units at once.
struct Avx2Nh {
    SALVAGE_KERNEL_INLINE static __m256i load(const void* at)
    {
        return _mm256_loadu_si256(static_cast<const __m256i*>(at));
    }
    SALVAGE_KERNEL_INLINE static __m256i products(__m256i words)
    {
        constexpr int words_0_and_1 = 0x10;
        constexpr int words_2_and_3 = 0x32;
        return _mm256_mul_epu32(_mm256_shuffle_epi32(words, words_0_and_1), _mm256_shuffle_epi32(words, words_2_and_3));
    }
    static void nh(const std::uint32_t* key, const std::byte* message, std::size_t bytes, std::uint64_t* sums)
    {
        __m256i sum[nh_passes] = {};
        std::size_t at = 0;
        for (; bytes - at >= sizeof(__m256i); at += sizeof(__m256i)) {
            const auto words = load(message + at);
            for_each<nh_passes>([&](std::size_t pass) SALVAGE_KERNEL_LAMBDA {
                const auto k = load(key + (at / sizeof(std::uint32_t)) + (4 * pass));
                sum[pass] = _mm256_add_epi64(sum[pass], products(_mm256_add_epi32(words, k)));
            });
        }
        if (at != bytes) {
            const auto words = _mm_loadu_si128(reinterpret_cast<const __m128i*>(message + at));
            for_each<nh_passes>([&](std::size_t pass) SALVAGE_KERNEL_LAMBDA {
                const auto k =
                    _mm_loadu_si128(reinterpret_cast<const __m128i*>(key + (at / sizeof(std::uint32_t)) + (4 * pass)));
                // Its upper half is zero, and so are that half's products.
                const auto last = _mm256_zextsi128_si256(_mm_add_epi32(words, k));
                sum[pass] = _mm256_add_epi64(sum[pass], products(last));
            });
        }
        // Each pass's four sums become one.
        const auto low = _mm256_add_epi64(_mm256_unpacklo_epi64(sum[0], sum[1]), _mm256_unpackhi_epi64(sum[0], sum[1]));
        const auto high =
            _mm256_add_epi64(_mm256_unpacklo_epi64(sum[2], sum[3]), _mm256_unpackhi_epi64(sum[2], sum[3]));
        constexpr int lower_halves = 0x20;
        constexpr int upper_halves = 0x31;
        const auto total = _mm256_add_epi64(_mm256_permute2x128_si256(low, high, lower_halves),
                                            _mm256_permute2x128_si256(low, high, upper_halves));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums), total);
    }
};

} // namespace

const AdiantumKernels adiantum_avx2 = adiantum_kernels<kdf::avx2::Vec8, Avx2Nh, Avx2Rotation>();

} // namespace salvage::crypto::sector
// NOLINTEND(*-reinterpret-cast,portability-simd-intrinsics,*-avoid-c-arrays)
#endif
