// SHA-1 with SHA-NI: four streams side by side, see sha256_streams.hpp.
#pragma once

#include "crypto/kdf/sha256_streams.hpp"

// NOLINTBEGIN(portability-simd-intrinsics): std::simd is no choice yet.
namespace salvage::crypto::kdf {

/// The instructions keep the state as (d, c, b, a) and (…, e), and messages likewise with their first word on top.
template <typename File>
struct Sha1Streams : ShaStreams<File> {
    using Base = ShaStreams<File>;
    using Base::streams;
    using typename Base::Block;
    using typename Base::State;
    static constexpr std::size_t words = 5;

    static State start()
    {
        State state;
        for (std::size_t stream = 0; stream < streams; ++stream) {
            state[0][stream].v =
                _mm_set_epi32(0x67452301, static_cast<int>(0xEFCDAB89), static_cast<int>(0x98BADCFE), 0x10325476);
            state[1][stream].v = _mm_set_epi32(static_cast<int>(0xC3D2E1F0), 0, 0, 0);
        }
        return state;
    }

    SALVAGE_KERNEL_INLINE static State compress(const State& before, Block message)
    {
        auto state = before;
        for_each<4>([&](auto function) SALVAGE_KERNEL_LAMBDA {
            for_each<5>([&](std::size_t i)
                            SALVAGE_KERNEL_LAMBDA { step<function>(state, message, (5 * function) + i); });
        });
        for_each<streams>([&](std::size_t stream) SALVAGE_KERNEL_LAMBDA {
            // What is kept as e is a of four rounds ago; the instruction turns it into e and adds.
            state[0][stream].v = _mm_add_epi32(state[0][stream].v, before[0][stream].v);
            state[1][stream].v = _mm_sha1nexte_epu32(state[1][stream].v, before[1][stream].v);
        });
        return state;
    }

    static Block load(const std::uint32_t* words_in, std::uint32_t pad) { return reversed(Base::load(words_in, pad)); }
    static void store(const Block& block, std::size_t count, std::uint32_t* words_out)
    {
        Base::store(reversed(block), count, words_out);
    }

    /// A digest as a message.
    SALVAGE_KERNEL_INLINE static Block as_message(const State& digest)
    {
        constexpr int bits = (block_words + words) * 32;
        constexpr int one_bit = static_cast<int>(0x80000000U);
        Block message;
        for_each<streams>([&](std::size_t stream) SALVAGE_KERNEL_LAMBDA {
            message[0][stream].v = digest[0][stream].v;
            message[1][stream].v = _mm_or_si128(digest[1][stream].v, _mm_set_epi32(0, one_bit, 0, 0));
            message[2][stream].v = _mm_setzero_si128();
            message[3][stream].v = _mm_set_epi32(0, 0, 0, bits);
        });
        return message;
    }

private:
    /// Four rounds: number 0 to 19.
    template <int function>
    SALVAGE_KERNEL_INLINE static void step(State& state, Block& message, std::size_t number)
    {
        for_each<streams>([&](std::size_t stream) SALVAGE_KERNEL_LAMBDA {
            auto& now = message[number % 4][stream].v;
            if (number >= 4) {
                const auto back = [&](std::size_t n)
                                      SALVAGE_KERNEL_LAMBDA { return message[(number - (n / 4)) % 4][stream].v; };
                now = _mm_sha1msg2_epu32(_mm_xor_si128(_mm_sha1msg1_epu32(back(16), back(12)), back(8)), back(4));
            }
            auto& abcd = state[0][stream].v;
            auto& e = state[1][stream].v;
            const auto sum = number == 0 ? _mm_add_epi32(e, now) : _mm_sha1nexte_epu32(e, now);
            e = abcd;
            abcd = _mm_sha1rnds4_epu32(abcd, sum, function);
        });
    }
    SALVAGE_KERNEL_INLINE static Block reversed(Block block)
    {
        constexpr int order = 0x1B;
        for (std::size_t i = 0; i < 4; ++i) {
            for (std::size_t stream = 0; stream < streams; ++stream) {
                block[i][stream].v = _mm_shuffle_epi32(block[i][stream].v, order);
            }
        }
        return block;
    }
};

} // namespace salvage::crypto::kdf
// NOLINTEND(portability-simd-intrinsics)
