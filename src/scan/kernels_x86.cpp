// The kernels for AVX2 and AVX-512.  Each function carries its own target, so the rest of the program stays plain
// x86-64.
//
// The loops look at 64 places a step and leave a step as soon as one of them may be a hit.  Loads are unaligned as the
// language goes; the caller places its buffers so that those at a place itself do not cross cache lines.
#include "scan/kernels.hpp"

#if defined(__x86_64__)

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12's own avx512fintrin.h starts from undefined registers, and without optimisation the compiler warns about that.
// NOTE the warnings come up where the intrinsics are inlined, so the pragma stays on for the rest of this file.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

namespace salvage::scan {
namespace {

constexpr std::size_t step = 64;

__attribute__((target("avx2"))) inline __m256i load_32(const std::byte* at) noexcept
{
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the intrinsic's own way to name unaligned memory.
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
}

__attribute__((target("avx2"))) inline __m256i twice(const WindowFilter::HalfTable& table) noexcept
{
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): as above.
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table.data())));
}

/// Buckets in which each of 32 bytes may stand: two look-ups of half a byte.
__attribute__((target("avx2"))) inline __m256i buckets_of(__m256i bytes, __m256i low, __m256i high) noexcept
{
    const auto half = _mm256_set1_epi8(0x0F);
    const auto by_low = _mm256_shuffle_epi8(low, _mm256_and_si256(bytes, half));
    const auto by_high = _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half));
    return _mm256_and_si256(by_low, by_high);
}

/// Buckets in which each of 64 bytes may stand, by its low six bits.
__attribute__((target("avx512f,avx512bw,avx512vbmi"))) inline __m512i buckets_of(const std::byte* at,
                                                                                 __m512i low_six) noexcept
{
    return _mm512_permutexvar_epi8(_mm512_loadu_si512(at), low_six);
}

} // namespace

__attribute__((target("avx2"))) Places pair_avx2(const PairFilter& filter, ByteView bytes, std::size_t from)
{
    const auto first = _mm256_set1_epi8(static_cast<char>(filter.first));
    const auto second = _mm256_set1_epi8(static_cast<char>(filter.second));
    for (; from + step + filter.distance <= bytes.size(); from += step) {
        const auto* const at = bytes.data() + from;
        const auto* const other = at + filter.distance;
        const auto low =
            _mm256_and_si256(_mm256_cmpeq_epi8(load_32(at), first), _mm256_cmpeq_epi8(load_32(other), second));
        const auto high = _mm256_and_si256(_mm256_cmpeq_epi8(load_32(at + 32), first),
                                           _mm256_cmpeq_epi8(load_32(other + 32), second));
        const auto either = _mm256_or_si256(low, high);
        if (_mm256_testz_si256(either, either) == 0) {
            const auto mask = static_cast<std::uint32_t>(_mm256_movemask_epi8(low)) |
                              (std::uint64_t{static_cast<std::uint32_t>(_mm256_movemask_epi8(high))} << 32U);
            return {.at = from, .mask = mask, .next = from + step};
        }
    }
    return {.at = from, .mask = 0, .next = from};
}

__attribute__((target("avx2"))) Places window_avx2(const WindowFilter& filter, ByteView bytes, std::size_t from)
{
    const auto low0 = twice(filter.low[0]);
    const auto low1 = twice(filter.low[1]);
    const auto low2 = twice(filter.low[2]);
    const auto high0 = twice(filter.high[0]);
    const auto high1 = twice(filter.high[1]);
    const auto high2 = twice(filter.high[2]);
    constexpr std::size_t half_step = 32;
    for (; from + half_step + WindowFilter::window - 1 <= bytes.size(); from += half_step) {
        const auto* const at = bytes.data() + from;
        const auto two =
            _mm256_and_si256(buckets_of(load_32(at), low0, high0), buckets_of(load_32(at + 1), low1, high1));
        const auto left = _mm256_and_si256(two, buckets_of(load_32(at + 2), low2, high2));
        if (_mm256_testz_si256(left, left) == 0) {
            const auto none = _mm256_cmpeq_epi8(left, _mm256_setzero_si256());
            const auto mask = ~static_cast<std::uint32_t>(_mm256_movemask_epi8(none));
            return {.at = from, .mask = mask, .next = from + half_step};
        }
    }
    return {.at = from, .mask = 0, .next = from};
}

__attribute__((target("avx512f,avx512bw"))) Places pair_avx512(const PairFilter& filter, ByteView bytes,
                                                               std::size_t from)
{
    const auto first = _mm512_set1_epi8(static_cast<char>(filter.first));
    const auto second = _mm512_set1_epi8(static_cast<char>(filter.second));
    constexpr std::size_t two_steps = 2 * step;
    for (; from + two_steps + filter.distance <= bytes.size(); from += two_steps) {
        const auto* const at = bytes.data() + from;
        const auto* const other = at + filter.distance;
        const auto low = _mm512_mask_cmpeq_epi8_mask(_mm512_cmpeq_epi8_mask(_mm512_loadu_si512(at), first),
                                                     _mm512_loadu_si512(other), second);
        const auto high = _mm512_mask_cmpeq_epi8_mask(_mm512_cmpeq_epi8_mask(_mm512_loadu_si512(at + step), first),
                                                      _mm512_loadu_si512(other + step), second);
        if ((low | high) == 0) {
            continue;
        }
        return low != 0 ? Places{.at = from, .mask = low, .next = from + step}
                        : Places{.at = from + step, .mask = high, .next = from + two_steps};
    }
    return {.at = from, .mask = 0, .next = from};
}

__attribute__((target("avx512f,avx512bw,avx512vbmi"))) Places window_avx512(const WindowFilter& filter, ByteView bytes,
                                                                            std::size_t from)
{
    const auto low_six0 = _mm512_load_si512(filter.low_six[0].data());
    const auto low_six1 = _mm512_load_si512(filter.low_six[1].data());
    const auto low_six2 = _mm512_load_si512(filter.low_six[2].data());
    for (; from + step + WindowFilter::window - 1 <= bytes.size(); from += step) {
        const auto* const at = bytes.data() + from;
        const auto two = _mm512_and_si512(buckets_of(at, low_six0), buckets_of(at + 1, low_six1));
        const auto mask = _mm512_test_epi8_mask(two, buckets_of(at + 2, low_six2));
        if (mask != 0) {
            return {.at = from, .mask = mask, .next = from + step};
        }
    }
    return {.at = from, .mask = 0, .next = from};
}

} // namespace salvage::scan

#endif
