// SHA-1's compression over vectors of lanes.  FIPS 180-4, 6.1.2.
//
// Everything is unrolled, so that the sixteen words and the five of the state are registers where there are enough of
// them, and words known while compiling cost nothing: they go into the round constants, or vanish from the schedule.
#pragma once

#include "crypto/kdf/pbkdf2_lanes.hpp"

namespace salvage::crypto::kdf {

template <typename V>
struct Sha1Lanes {
    using Vec = V;
    static constexpr std::size_t words = 5;
    using State = Vectors<Vec, words>;
    using Block = Vectors<Vec, block_words>;

    static State start()
    {
        return {Vec::all(0x67452301), Vec::all(0xEFCDAB89), Vec::all(0x98BADCFE), Vec::all(0x10325476),
                Vec::all(0xC3D2E1F0)};
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
    static constexpr std::size_t rounds = 80;

    /// The five words trade names from round to round instead of moving.
    template <typename Message, std::size_t t>
    SALVAGE_KERNEL_INLINE static void round(State& state, Block& schedule)
    {
        auto& a = state[(rounds - t) % words];
        auto& b = state[(rounds - t + 1) % words];
        const auto c = state[(rounds - t + 2) % words];
        const auto d = state[(rounds - t + 3) % words];
        auto& e = state[(rounds - t + 4) % words];
        if constexpr (t >= block_words) {
            expand<Message, t>(schedule);
        }
        if constexpr (Message::knows(t)) {
            e = e + Vec::all(constant(t) + Message::word(t));
        } else {
            e = (e + Vec::all(constant(t))) + schedule[t % block_words];
        }
        e = (e + mix<t>(b, c, d)) + a.template rotl<5>();
        b = b.template rotl<30>();
    }

    template <std::size_t t>
    SALVAGE_KERNEL_INLINE static Vec mix(Vec b, Vec c, Vec d)
    {
        if constexpr (t < 20) {
            return choose(b, c, d);
        } else if constexpr (t >= 40 && t < 60) {
            return majority(b, c, d);
        } else {
            return xor3(b, c, d);
        }
    }

    static consteval std::uint32_t constant(std::size_t t)
    {
        return t < 20 ? 0x5A827999 : t < 40 ? 0x6ED9EBA1 : t < 60 ? 0x8F1BBCDC : 0xCA62C1D6;
    }

    /// The words that word t is made from, those known while compiling joined to one constant.
    struct Sources {
        std::size_t words[4]{}; // NOLINT(*-avoid-c-arrays)
        std::size_t count{0};
        std::uint32_t known{0};
    };
    template <typename Message>
    static consteval Sources sources(std::size_t t)
    {
        Sources found;
        for (const auto back : {3U, 8U, 14U, 16U}) {
            if (Message::knows(t - back)) {
                found.known ^= Message::word(t - back);
            } else {
                found.words[found.count++] = (t - back) % block_words;
            }
        }
        return found;
    }
    template <typename Message, std::size_t t>
    SALVAGE_KERNEL_INLINE static void expand(Block& schedule)
    {
        constexpr auto from = sources<Message>(t);
        constexpr auto terms = from.count + (from.known != 0 ? 1 : 0);
        const auto term = [&](std::size_t i) SALVAGE_KERNEL_LAMBDA {
            return i < from.count ? schedule[from.words[i]] : Vec::all(from.known);
        };
        auto sum = term(0);
        if constexpr (terms == 2) {
            sum = sum ^ term(1);
        } else if constexpr (terms > 2) {
            sum = xor3(sum, term(1), term(2));
        }
        if constexpr (terms > 3) {
            sum = sum ^ term(3);
        }
        schedule[t % block_words] = sum.template rotl<1>();
    }
};

} // namespace salvage::crypto::kdf
