// AES by the processor's own instructions.  FIPS 197; Intel, AES New Instructions Set (white paper 323641), key
// expansion.
//
// Each function carries its own target, so that the rest of the program stays plain x86-64.
#include "crypto/aes_ni.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

#include <array>

#include "salvage/core/secret.hpp"

#define SALVAGE_AES_TARGET __attribute__((target("aes,sse4.1")))

namespace salvage::crypto::aes_ni {
namespace {

// NOLINTBEGIN(*-reinterpret-cast): the intrinsics' own way to name memory.
SALVAGE_AES_TARGET inline __m128i load(const std::byte* at) noexcept
{
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}
SALVAGE_AES_TARGET inline void store(std::byte* at, __m128i block) noexcept
{
    _mm_storeu_si128(reinterpret_cast<__m128i*>(at), block);
}
// NOLINTEND(*-reinterpret-cast)

constexpr std::size_t block_bytes = sizeof(AesBlock);
constexpr std::size_t most_round_keys = 15;

/// The round keys in the order deciphering takes them; wiped at its end.
struct Schedule {
    // NOLINTNEXTLINE(*-avoid-c-arrays): a vector type as template argument would lose its attributes.
    __m128i keys[most_round_keys]{};
    std::size_t rounds{0};

    Schedule() = default;
    Schedule(const Schedule&) = delete;
    Schedule& operator=(const Schedule&) = delete;
    ~Schedule() { wipe(std::as_writable_bytes(std::span{keys})); }
};

/// Each word xor all words before it: what every expansion step does with the key one key size back.
SALVAGE_AES_TARGET inline __m128i spread(__m128i key) noexcept
{
    key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    return _mm_xor_si128(key, _mm_slli_si128(key, 8));
}

/// The next round key from the one a key size back and the last: its last word rotated and substituted.
template <int round_constant>
SALVAGE_AES_TARGET inline __m128i rotated(__m128i back, __m128i last) noexcept
{
    constexpr int word_3 = 0xFF;
    const auto assist = _mm_shuffle_epi32(_mm_aeskeygenassist_si128(last, round_constant), word_3);
    return _mm_xor_si128(spread(back), assist);
}
/// AES-256's step between those: the last word is substituted alone.
SALVAGE_AES_TARGET inline __m128i substituted(__m128i back, __m128i last) noexcept
{
    constexpr int word_2 = 0xAA;
    return _mm_xor_si128(spread(back), _mm_shuffle_epi32(_mm_aeskeygenassist_si128(last, 0), word_2));
}

SALVAGE_AES_TARGET void expand_128(Schedule& schedule, const std::byte* key) noexcept
{
    auto* const k = &schedule.keys[0];
    schedule.rounds = 10;
    k[0] = load(key);
    k[1] = rotated<0x01>(k[0], k[0]);
    k[2] = rotated<0x02>(k[1], k[1]);
    k[3] = rotated<0x04>(k[2], k[2]);
    k[4] = rotated<0x08>(k[3], k[3]);
    k[5] = rotated<0x10>(k[4], k[4]);
    k[6] = rotated<0x20>(k[5], k[5]);
    k[7] = rotated<0x40>(k[6], k[6]);
    k[8] = rotated<0x80>(k[7], k[7]);
    k[9] = rotated<0x1B>(k[8], k[8]);
    k[10] = rotated<0x36>(k[9], k[9]);
}

SALVAGE_AES_TARGET void expand_256(Schedule& schedule, const std::byte* key) noexcept
{
    auto* const k = &schedule.keys[0];
    schedule.rounds = 14;
    k[0] = load(key);
    k[1] = load(key + block_bytes);
    k[2] = rotated<0x01>(k[0], k[1]);
    k[3] = substituted(k[1], k[2]);
    k[4] = rotated<0x02>(k[2], k[3]);
    k[5] = substituted(k[3], k[4]);
    k[6] = rotated<0x04>(k[4], k[5]);
    k[7] = substituted(k[5], k[6]);
    k[8] = rotated<0x08>(k[6], k[7]);
    k[9] = substituted(k[7], k[8]);
    k[10] = rotated<0x10>(k[8], k[9]);
    k[11] = substituted(k[9], k[10]);
    k[12] = rotated<0x20>(k[10], k[11]);
    k[13] = substituted(k[11], k[12]);
    k[14] = rotated<0x40>(k[12], k[13]);
}

/// For deciphering, round keys but the first and last go through InvMixColumns.
SALVAGE_AES_TARGET void expand(Schedule& schedule, ByteView key) noexcept
{
    if (key.size() == block_bytes) {
        expand_128(schedule, key.data());
    } else {
        expand_256(schedule, key.data());
    }
    for (std::size_t round = 1; round < schedule.rounds; ++round) {
        schedule.keys[round] = _mm_aesimc_si128(schedule.keys[round]);
    }
}

SALVAGE_AES_TARGET __m128i decrypt(const Schedule& schedule, __m128i block) noexcept
{
    block = _mm_xor_si128(block, schedule.keys[schedule.rounds]);
    for (auto round = schedule.rounds - 1; round > 0; --round) {
        block = _mm_aesdec_si128(block, schedule.keys[round]);
    }
    return _mm_aesdeclast_si128(block, schedule.keys[0]);
}

/// Blocks deciphered side by side: an instruction takes several clocks, and one can start in each.
constexpr std::size_t side_by_side = 8;

SALVAGE_AES_TARGET void decrypt_side_by_side(const Schedule& schedule, __m128i* blocks) noexcept
{
    for (std::size_t i = 0; i < side_by_side; ++i) {
        blocks[i] = _mm_xor_si128(blocks[i], schedule.keys[schedule.rounds]);
    }
    for (auto round = schedule.rounds - 1; round > 0; --round) {
        for (std::size_t i = 0; i < side_by_side; ++i) {
            blocks[i] = _mm_aesdec_si128(blocks[i], schedule.keys[round]);
        }
    }
    for (std::size_t i = 0; i < side_by_side; ++i) {
        blocks[i] = _mm_aesdeclast_si128(blocks[i], schedule.keys[0]);
    }
}

} // namespace

bool takes_key_of(std::size_t key_bytes) noexcept
{
    // NOLINTNEXTLINE(readability-redundant-casting): a bool with clang, an int with g++.
    static const bool is_present = static_cast<bool>(__builtin_cpu_supports("aes")) &&
                                   static_cast<bool>(__builtin_cpu_supports("sse4.1")); // NOLINT(*-redundant-casting)
    return is_present && (key_bytes == block_bytes || key_bytes == 2 * block_bytes);
}

SALVAGE_AES_TARGET AesBlock ecb_decrypt(ByteView key, const AesBlock& block) noexcept
{
    Schedule schedule;
    expand(schedule, key);
    AesBlock out;
    store(out.data(), decrypt(schedule, load(block.data())));
    return out;
}

SALVAGE_AES_TARGET void cbc_decrypt(ByteView key, const AesBlock& iv, ByteView data, std::span<std::byte> into) noexcept
{
    Schedule schedule;
    expand(schedule, key);
    auto before = load(iv.data());
    std::size_t at = 0;
    for (; data.size() - at >= side_by_side * block_bytes; at += side_by_side * block_bytes) {
        // NOLINTBEGIN(*-avoid-c-arrays,*-array-to-pointer-decay): as in Schedule.
        __m128i ciphered[side_by_side];
        __m128i blocks[side_by_side];
        for (std::size_t i = 0; i < side_by_side; ++i) {
            ciphered[i] = blocks[i] = load(data.data() + at + (i * block_bytes));
        }
        decrypt_side_by_side(schedule, blocks);
        // NOLINTEND(*-avoid-c-arrays,*-array-to-pointer-decay)
        for (std::size_t i = 0; i < side_by_side; ++i) {
            store(into.data() + at + (i * block_bytes), _mm_xor_si128(blocks[i], before));
            before = ciphered[i];
        }
    }
    for (; at < data.size(); at += block_bytes) {
        const auto ciphered = load(data.data() + at);
        store(into.data() + at, _mm_xor_si128(decrypt(schedule, ciphered), before));
        before = ciphered;
    }
}

} // namespace salvage::crypto::aes_ni
#else
namespace salvage::crypto::aes_ni {

bool takes_key_of(std::size_t /*key_bytes*/) noexcept
{
    return false;
}
AesBlock ecb_decrypt(ByteView /*key*/, const AesBlock& block) noexcept
{
    return block;
}
void cbc_decrypt(ByteView /*key*/, const AesBlock& /*iv*/, ByteView /*data*/, std::span<std::byte> /*into*/) noexcept {}

} // namespace salvage::crypto::aes_ni
#endif
