// SHA-256 with SHA-NI: four streams side by side.  FIPS 180-4; Intel SDM, SHA extensions.
//
// One stream's latencies leave the unit idle most of the time, so four independent ones go through every step together.
#pragma once

#include <immintrin.h>

#include "crypto/kdf/sha256_constants.hpp"
#include "crypto/kdf/vectors.hpp"

// The intrinsics name memory by their own types; std::simd is no choice yet.
// NOLINTBEGIN(*-reinterpret-cast,portability-simd-intrinsics,*-array-to-pointer-decay)
namespace salvage::crypto::kdf {

/// One 128-bit register of each stream.  File names the file it is compiled in, and so its flags.
template <typename File>
struct ShaStreams {
    static constexpr std::size_t streams = 4;
    struct Register {
        __m128i v;
    };
    using Registers = Vectors<Register, streams>;
    using State = Vectors<Registers, 2>;
    using Block = Vectors<Registers, 4>; ///< sixteen words

    /// Sixteen words of each stream, each xor `pad`.
    static Block load(const std::uint32_t* words, std::uint32_t pad)
    {
        Block block;
        for (std::size_t i = 0; i < 4; ++i) {
            for (std::size_t stream = 0; stream < streams; ++stream) {
                const auto word = [&](std::size_t n) SALVAGE_KERNEL_LAMBDA {
                    return static_cast<int>(words[(((4 * i) + n) * streams) + stream] ^ pad);
                };
                block[i][stream].v = _mm_set_epi32(word(3), word(2), word(1), word(0));
            }
        }
        return block;
    }
    /// The first `count` words of each stream.
    // NOLINTNEXTLINE(readability-non-const-parameter): it is written to.
    static void store(const Block& block, std::size_t count, std::uint32_t* words)
    {
        alignas(16) std::uint32_t four[4]; // NOLINT(*-avoid-c-arrays)
        for (std::size_t stream = 0; stream < streams; ++stream) {
            for (std::size_t word = 0; word < count; ++word) {
                _mm_store_si128(reinterpret_cast<__m128i*>(four), block[word / 4][stream].v);
                words[(word * streams) + stream] = four[word % 4];
            }
        }
    }
    SALVAGE_KERNEL_INLINE static void xor_into(State& sum, const State& other)
    {
        for_each<2>([&](std::size_t part) SALVAGE_KERNEL_LAMBDA {
            for_each<streams>([&](std::size_t stream) SALVAGE_KERNEL_LAMBDA {
                sum[part][stream].v = _mm_xor_si128(sum[part][stream].v, other[part][stream].v);
            });
        });
    }
};

/// What pbkdf2 asks for.  Hash: Sha1Streams or Sha256Streams.
template <typename Hash>
struct OverStreams : Hash {
    using State = typename Hash::State;
    static constexpr std::size_t lanes = Hash::streams;

    SALVAGE_KERNEL_INLINE static State absorb(const State& state, const typename Hash::Block& block)
    {
        return Hash::compress(state, block);
    }
    SALVAGE_KERNEL_INLINE static State next(const State& state, const State& digest)
    {
        return Hash::compress(state, Hash::as_message(digest));
    }
    static void store(const State& state, std::uint32_t* words)
    {
        Hash::store(Hash::as_message(state), Hash::words, words);
    }
};

/// The instructions keep the state as (f, e, b, a) and (h, g, d, c), lowest word first.
template <typename File>
struct Sha256Streams : ShaStreams<File> {
    using Base = ShaStreams<File>;
    using Base::streams;
    using typename Base::Block;
    using typename Base::State;
    static constexpr std::size_t words = 8;

    static State start()
    {
        const auto order = [](std::size_t a, std::size_t b, std::size_t e, std::size_t f) SALVAGE_KERNEL_LAMBDA {
            const auto word = [](std::size_t i) SALVAGE_KERNEL_LAMBDA { return static_cast<int>(sha256_start[i]); };
            return _mm_set_epi32(word(a), word(b), word(e), word(f));
        };
        State state;
        for (std::size_t stream = 0; stream < streams; ++stream) {
            state[0][stream].v = order(0, 1, 4, 5);
            state[1][stream].v = order(2, 3, 6, 7);
        }
        return state;
    }

    SALVAGE_KERNEL_INLINE static State compress(const State& before, Block message)
    {
        auto state = before;
        for_each<steps>([&](std::size_t number) SALVAGE_KERNEL_LAMBDA { step(state, message, number); });
        for_each<2>([&](std::size_t part) SALVAGE_KERNEL_LAMBDA {
            for_each<streams>([&](std::size_t stream) SALVAGE_KERNEL_LAMBDA {
                state[part][stream].v = _mm_add_epi32(state[part][stream].v, before[part][stream].v);
            });
        });
        return state;
    }

    /// A digest as a message.
    SALVAGE_KERNEL_INLINE static Block as_message(const State& digest)
    {
        constexpr int bits = (block_words + words) * 32;
        constexpr int reversed = 0x1B;
        Block message;
        for_each<streams>([&](std::size_t stream) SALVAGE_KERNEL_LAMBDA {
            const auto abef = _mm_shuffle_epi32(digest[0][stream].v, reversed);
            const auto cdgh = _mm_shuffle_epi32(digest[1][stream].v, reversed);
            message[0][stream].v = _mm_unpacklo_epi64(abef, cdgh);
            message[1][stream].v = _mm_unpackhi_epi64(abef, cdgh);
            message[2][stream].v = _mm_set_epi32(0, 0, 0, static_cast<int>(0x80000000U));
            message[3][stream].v = _mm_set_epi32(bits, 0, 0, 0);
        });
        return message;
    }

private:
    static constexpr std::size_t steps = 16; ///< of four rounds

    /// Four rounds: number 0 to 15.
    SALVAGE_KERNEL_INLINE static void step(State& state, Block& message, std::size_t number)
    {
        const auto k = _mm_load_si128(reinterpret_cast<const __m128i*>(sha256_constants + (4 * number)));
        for_each<streams>([&](std::size_t stream) SALVAGE_KERNEL_LAMBDA {
            auto& now = message[number % 4][stream].v;
            if (number >= 4) {
                now = expanded(message, number, stream);
            }
            auto& abef = state[0][stream].v;
            auto& cdgh = state[1][stream].v;
            constexpr int upper_half = 0x0E;
            const auto sum = _mm_add_epi32(now, k);
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, upper_half));
        });
    }
    /// Four more words of the schedule: from those 16, 15, 7 and 2 back.
    SALVAGE_KERNEL_INLINE static __m128i expanded(const Block& message, std::size_t number, std::size_t stream)
    {
        const auto back = [&](std::size_t n)
                              SALVAGE_KERNEL_LAMBDA { return message[(number - (n / 4)) % 4][stream].v; };
        const auto sum = _mm_add_epi32(_mm_sha256msg1_epu32(back(16), back(12)), _mm_alignr_epi8(back(4), back(8), 4));
        return _mm_sha256msg2_epu32(sum, back(4));
    }
};

} // namespace salvage::crypto::kdf
// NOLINTEND(*-reinterpret-cast,portability-simd-intrinsics,*-array-to-pointer-decay)
