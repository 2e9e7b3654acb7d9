// SHA-256's compression over vectors of lanes.  FIPS 180-4, 6.2.2.  Unrolled for the reasons sha1_lanes.hpp gives.
#pragma once

#include "crypto/kdf/pbkdf2_lanes.hpp"
#include "crypto/kdf/sha256_constants.hpp"

namespace salvage::crypto::kdf {

template <typename V>
struct Sha256Lanes {
    using Vec = V;
    static constexpr std::size_t words = 8;
    using State = Vectors<Vec, words>;
    using Block = Vectors<Vec, block_words>;

    static State start()
    {
        State state;
        for (std::size_t word = 0; word < words; ++word) {
            state[word] = Vec::all(sha256_start[word]);
        }
        return state;
    }

    template <typename Message>
    SALVAGE_KERNEL_INLINE static State compress(const State& before, Block message)
    {
        auto state = before;
        for_each<rounds>([&](auto t) SALVAGE_KERNEL_LAMBDA { round<Message, t>(state, message); });
        for_each<words>([&](std::size_t word) SALVAGE_KERNEL_LAMBDA { state[word] = state[word] + before[word]; });
        return state;
    }

private:
    static constexpr std::size_t rounds = 64;

    /// The eight words trade names from round to round instead of moving.
    template <typename Message, std::size_t t>
    SALVAGE_KERNEL_INLINE static void round(State& state, Block& schedule)
    {
        const auto a = state[(rounds - t) % words];
        const auto b = state[(rounds - t + 1) % words];
        const auto c = state[(rounds - t + 2) % words];
        auto& d = state[(rounds - t + 3) % words];
        const auto e = state[(rounds - t + 4) % words];
        const auto f = state[(rounds - t + 5) % words];
        const auto g = state[(rounds - t + 6) % words];
        auto& h = state[(rounds - t + 7) % words];
        if constexpr (Message::knows(t)) {
            h = h + Vec::all(sha256_constants[t] + Message::word(t));
        } else {
            if constexpr (t >= block_words) {
                expand<Message, t>(schedule);
            }
            h = (h + Vec::all(sha256_constants[t])) + schedule[t % block_words];
        }
        h = (h + choose(e, f, g)) + xor3(e.template rotl<26>(), e.template rotl<21>(), e.template rotl<7>());
        d = d + h;
        h = (h + majority(a, b, c)) + xor3(a.template rotl<30>(), a.template rotl<19>(), a.template rotl<10>());
    }

    static consteval std::uint32_t rotl(std::uint32_t word, unsigned bits)
    {
        return (word << bits) | (word >> (32U - bits));
    }
    static consteval std::uint32_t small_0(std::uint32_t word)
    {
        return rotl(word, 25) ^ rotl(word, 14) ^ (word >> 3U);
    }
    static consteval std::uint32_t small_1(std::uint32_t word)
    {
        return rotl(word, 15) ^ rotl(word, 13) ^ (word >> 10U);
    }
    SALVAGE_KERNEL_INLINE static Vec small_0(Vec word)
    {
        return xor3(word.template rotl<25>(), word.template rotl<14>(), word.template shr<3>());
    }
    SALVAGE_KERNEL_INLINE static Vec small_1(Vec word)
    {
        return xor3(word.template rotl<15>(), word.template rotl<13>(), word.template shr<10>());
    }

    /// What the known ones among the four words that make word t add up to.
    template <typename Message>
    static consteval std::uint32_t known_part(std::size_t t)
    {
        return (Message::knows(t - 16) ? Message::word(t - 16) : 0) +
               (Message::knows(t - 15) ? small_0(Message::word(t - 15)) : 0) +
               (Message::knows(t - 7) ? Message::word(t - 7) : 0) +
               (Message::knows(t - 2) ? small_1(Message::word(t - 2)) : 0);
    }
    /// Word t from four earlier ones.  Word t - 16 lies where t will.
    template <typename Message, std::size_t t>
    SALVAGE_KERNEL_INLINE static void expand(Block& schedule)
    {
        constexpr auto known = known_part<Message>(t);
        auto& sum = schedule[t % block_words];
        if constexpr (Message::knows(t - 16)) {
            sum = Vec::all(known);
        } else if constexpr (known != 0) {
            sum = sum + Vec::all(known);
        }
        if constexpr (!Message::knows(t - 15)) {
            sum = sum + small_0(schedule[(t - 15) % block_words]);
        }
        if constexpr (!Message::knows(t - 7)) {
            sum = sum + schedule[(t - 7) % block_words];
        }
        if constexpr (!Message::knows(t - 2)) {
            sum = sum + small_1(schedule[(t - 2) % block_words]);
        }
    }
};

} // namespace salvage::crypto::kdf
