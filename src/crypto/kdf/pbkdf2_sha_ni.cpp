// PBKDF2 with SHA-NI, the instructions made for SHA-1 and SHA-256.
#include "crypto/kdf/kernels.hpp"

#if defined(__x86_64__)
#include "crypto/kdf/sha1_streams.hpp"
#include "crypto/kdf/sha256_streams.hpp"

namespace salvage::crypto::kdf::sha_ni {

struct ThisFile;

/// Hash: of this file, see Sha256Streams.
template <typename Hash>
void run(const Pbkdf2Batch& batch)
{
    using State = typename Hash::State;
    constexpr typename Hash::Place place{.lanes = Hash::streams, .first = 0};
    struct {
        State inner;
        State outer;
        State sum;
    } states{};
    states.inner = Hash::compress(Hash::start(), Hash::load(batch.keys, place, inner_pad));
    states.outer = Hash::compress(Hash::start(), Hash::load(batch.keys, place, outer_pad));
    auto link = states.inner;
    for (std::size_t block = 0; block < batch.message_blocks; ++block) {
        const auto* const words = batch.messages + (block * block_words * place.lanes);
        link = Hash::compress(link, Hash::load(words, place, 0));
    }
    link = Hash::compress(states.outer, Hash::as_message(link));
    states.sum = link;
    for (std::uint32_t i = 1; i < batch.iterations; ++i) {
        link = Hash::compress(states.inner, Hash::as_message(link));
        link = Hash::compress(states.outer, Hash::as_message(link));
        Hash::xor_into(states.sum, link);
    }
    Hash::store(Hash::as_message(states.sum), Hash::words, batch.sums, place);
    wipe_memory(&states, sizeof states);
}

} // namespace salvage::crypto::kdf::sha_ni

namespace salvage::crypto::kdf {

const Pbkdf2Kernels pbkdf2_sha_ni{
    .sha1 = {.run = sha_ni::run<Sha1Streams<sha_ni::ThisFile>>, .lanes = Sha1Streams<sha_ni::ThisFile>::streams},
    .sha256 = {.run = sha_ni::run<Sha256Streams<sha_ni::ThisFile>>, .lanes = Sha256Streams<sha_ni::ThisFile>::streams},
};

} // namespace salvage::crypto::kdf
#endif
