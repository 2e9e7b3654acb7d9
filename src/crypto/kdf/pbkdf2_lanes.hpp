// PBKDF2 with HMAC over vectors of lanes: one source for every instruction set.  RFC 8018, 5.2; RFC 2104.
//
// HMAC hashes one block made from the key before its message, once inside and once outside; both states depend on the
// key alone and are computed once.  Each further iteration is two compressions of a digest with padding that never
// changes, which the compression functions take as known.
#pragma once

#include "crypto/kdf/kernels.hpp"
#include "crypto/kdf/vectors.hpp"

namespace salvage::crypto::kdf {

/// A message block of which nothing is known while compiling.
struct AnyMessage {
    static consteval bool knows(std::size_t /*word*/) { return false; }
    static consteval std::uint32_t word(std::size_t /*word*/) { return 0; }
};
/// A digest after one key block: a one bit, zeros, the length in bits.
template <std::size_t digest_words>
struct DigestMessage {
    static consteval bool knows(std::size_t word) { return word >= digest_words && word < block_words; }
    static consteval std::uint32_t word(std::size_t word)
    {
        constexpr std::uint32_t one_bit = 0x80000000;
        constexpr auto bits = static_cast<std::uint32_t>((block_words + digest_words) * 32);
        return word == digest_words ? one_bit : word == block_words - 1 ? bits : 0;
    }
};

/// Hash: Vec, words, start(), compress<Message>(state, Vectors<Vec, 16>) → state.
template <typename Hash>
struct Pbkdf2Lanes {
    static void run(const Pbkdf2Batch& batch)
    {
        States states{};
        states.inner = keyed(batch, inner_pad);
        states.outer = keyed(batch, outer_pad);
        auto link = states.inner;
        for (std::size_t block = 0; block < batch.message_blocks; ++block) {
            const auto message = load(batch.messages + (block * block_words * Vec::lanes));
            link = Hash::template compress<AnyMessage>(link, message);
        }
        link = next(states.outer, link);
        states.sum = link;
        for (std::uint32_t i = 1; i < batch.iterations; ++i) {
            link = next(states.outer, next(states.inner, link));
            for (std::size_t word = 0; word < Hash::words; ++word) {
                states.sum[word] = states.sum[word] ^ link[word];
            }
        }
        for (std::size_t word = 0; word < Hash::words; ++word) {
            states.sum[word].store(batch.sums + (word * Vec::lanes));
        }
        wipe_memory(&states, sizeof states);
    }

private:
    using Vec = typename Hash::Vec;
    using State = Vectors<Vec, Hash::words>;
    using Block = Vectors<Vec, block_words>;
    struct States {
        State inner;
        State outer;
        State sum;
    };

    static Block load(const std::uint32_t* words)
    {
        Block block;
        for (std::size_t word = 0; word < block_words; ++word) {
            block[word] = Vec::load(words + (word * Vec::lanes));
        }
        return block;
    }
    static State keyed(const Pbkdf2Batch& batch, std::uint32_t pad)
    {
        auto block = load(batch.keys);
        for (std::size_t word = 0; word < block_words; ++word) {
            block[word] = block[word] ^ Vec::all(pad);
        }
        return Hash::template compress<AnyMessage>(Hash::start(), block);
    }
    SALVAGE_KERNEL_INLINE static State next(const State& state, const State& digest)
    {
        Block block{};
        for (std::size_t word = 0; word < Hash::words; ++word) {
            block[word] = digest[word];
        }
        return Hash::template compress<DigestMessage<Hash::words>>(state, block);
    }
};

} // namespace salvage::crypto::kdf
