// PBKDF2 with HMAC, whatever computes the hash.  RFC 8018, 5.2; RFC 2104.
//
// HMAC hashes one block made from the key before its message, once inside and once outside; both states depend on the
// key alone and are computed once.  Each further iteration is two compressions of a digest with padding that never
// changes.
#pragma once

#include "crypto/kdf/kernels.hpp"

namespace salvage::crypto::kdf {

/// Hash, of this file's flags: lanes; State; start(); load(words, pad), a block of each lane; absorb(state, block);
/// next(state, digest), which adds the padding; xor_into(sum, state); store(state, words).
template <typename Hash>
void pbkdf2(const Pbkdf2Batch& batch)
{
    using State = typename Hash::State;
    struct {
        State inner;
        State outer;
        State sum;
    } states{};
    states.inner = Hash::absorb(Hash::start(), Hash::load(batch.keys, inner_pad));
    states.outer = Hash::absorb(Hash::start(), Hash::load(batch.keys, outer_pad));
    auto link = states.inner;
    for (std::size_t block = 0; block < batch.message_blocks; ++block) {
        link = Hash::absorb(link, Hash::load(batch.messages + (block * block_words * Hash::lanes), 0));
    }
    link = Hash::next(states.outer, link);
    states.sum = link;
    for (std::uint32_t i = 1; i < batch.iterations; ++i) {
        link = Hash::next(states.outer, Hash::next(states.inner, link));
        Hash::xor_into(states.sum, link);
    }
    Hash::store(states.sum, batch.sums);
    wipe_memory(&states, sizeof states);
}

template <typename Hash>
consteval Pbkdf2Kernel pbkdf2_kernel()
{
    return {.run = pbkdf2<Hash>, .lanes = Hash::lanes};
}

} // namespace salvage::crypto::kdf
