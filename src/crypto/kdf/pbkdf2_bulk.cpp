// PBKDF2 of many secrets: every output block of every secret is a lane.
#include <algorithm>
#include <array>

#include "crypto/kdf/bulk.hpp"
#include "crypto/kdf/hmac_blocks.hpp"
#include "salvage/core/secret.hpp"

namespace salvage::crypto::kdf {
namespace {

/// Puts the big-endian words of `bytes` into a lane.
void fill_lane(std::span<std::uint32_t> words, std::size_t lanes, std::size_t lane, ByteView bytes)
{
    for (std::size_t word = 0; word < bytes.size() / word_bytes; ++word) {
        words[(word * lanes) + lane] = load_be<std::uint32_t>(bytes.subspan(word * word_bytes, word_bytes));
    }
}

/// The part of `key` that output block `number` (from 0) fills.
void take_key(std::span<const std::uint32_t> sums, std::size_t lanes, std::size_t lane, std::size_t digest_bytes,
              std::size_t number, std::span<std::byte> key)
{
    const auto part = key.subspan(number * digest_bytes, std::min(digest_bytes, key.size() - (number * digest_bytes)));
    std::array<std::byte, word_bytes> word{};
    for (std::size_t at = 0; at < part.size(); at += word.size()) {
        store_be(std::span{word}, sums[((at / word.size()) * lanes) + lane]);
        std::ranges::copy_n(word.begin(), static_cast<std::ptrdiff_t>(std::min(word.size(), part.size() - at)),
                            part.begin() + static_cast<std::ptrdiff_t>(at));
    }
    wipe(word);
}

} // namespace

void Pbkdf2Bulk::derive(const Pbkdf2Kernel& kernel, const KdfJob& job, std::span<const ByteView> secrets,
                        std::span<std::byte> keys)
{
    const auto words_a_digest = digest_words(job.kind);
    const auto digest_bytes = words_a_digest * word_bytes;
    const auto lanes = kernel.lanes;
    const auto blocks_a_key = (job.key_bytes + digest_bytes - 1) / digest_bytes;
    const auto wanted = secrets.size() * blocks_a_key;
    FirstMessage message{job.salt};
    for (std::size_t first = 0; first < wanted; first += lanes) {
        const auto used = std::min(lanes, wanted - first);
        // Lanes beyond those used derive a key from nothing, and nobody looks at it.
        const auto words = words_.zeros((block_words + (message.blocks() * block_words) + words_a_digest) * lanes);
        const auto key_words = words.first(block_words * lanes);
        const auto message_words = words.subspan(key_words.size(), message.blocks() * block_words * lanes);
        const auto sums = words.last(words_a_digest * lanes);
        for (std::size_t lane = 0; lane < used; ++lane) {
            const auto number = (first + lane) % blocks_a_key;
            auto key = hmac_key_block(job.kind, secrets[(first + lane) / blocks_a_key]);
            fill_lane(key_words, lanes, lane, key);
            wipe(key);
            fill_lane(message_words, lanes, lane, message.numbered(static_cast<std::uint32_t>(number + 1)));
        }
        kernel.run({.keys = key_words.data(),
                    .messages = message_words.data(),
                    .message_blocks = message.blocks(),
                    .iterations = std::max(job.iterations.value, std::uint32_t{1}),
                    .sums = sums.data()});
        for (std::size_t lane = 0; lane < used; ++lane) {
            const auto secret = (first + lane) / blocks_a_key;
            take_key(sums, lanes, lane, digest_bytes, (first + lane) % blocks_a_key,
                     keys.subspan(secret * job.key_bytes, job.key_bytes));
        }
    }
    words_.clear();
}

} // namespace salvage::crypto::kdf
