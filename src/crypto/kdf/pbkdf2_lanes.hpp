// PBKDF2 over vectors of lanes: one source for every instruction set.
//
// The compression functions take a digest's padding as known.
#pragma once

#include "crypto/kdf/pbkdf2_chain.hpp"
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

/// What pbkdf2 asks for.  Hash: Vec, words, start(), compress<Message>(state, Vectors<Vec, 16>) → state.
template <typename Hash>
struct OverLanes : Hash {
    using Vec = typename Hash::Vec;
    using State = Vectors<Vec, Hash::words>;
    using Block = Vectors<Vec, block_words>;
    static constexpr std::size_t lanes = Vec::lanes;

    static Block load(const std::uint32_t* words, std::uint32_t pad)
    {
        Block block;
        for (std::size_t word = 0; word < block_words; ++word) {
            block[word] = Vec::load(words + (word * lanes)) ^ Vec::all(pad);
        }
        return block;
    }
    static State absorb(const State& state, const Block& block)
    {
        return Hash::template compress<AnyMessage>(state, block);
    }
    SALVAGE_KERNEL_INLINE static State next(const State& state, const State& digest)
    {
        Block block{};
        for (std::size_t word = 0; word < Hash::words; ++word) {
            block[word] = digest[word];
        }
        return Hash::template compress<DigestMessage<Hash::words>>(state, block);
    }
    SALVAGE_KERNEL_INLINE static void xor_into(State& sum, const State& other)
    {
        for (std::size_t word = 0; word < Hash::words; ++word) {
            sum[word] = sum[word] ^ other[word];
        }
    }
    static void store(const State& state, std::uint32_t* words)
    {
        for (std::size_t word = 0; word < Hash::words; ++word) {
            state[word].store(words + (word * lanes));
        }
    }
};

} // namespace salvage::crypto::kdf
