// PBKDF2 of many secrets: every output block of every secret is a lane.
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "crypto/kdf/bulk.hpp"
#include "crypto/openssl.hpp"
#include "salvage/core/secret.hpp"

namespace salvage::crypto::kdf {
namespace {

constexpr std::size_t block_bytes = block_words * sizeof(std::uint32_t);
using HashBlock = std::array<std::byte, block_bytes>;
/// Salt, the number of the output block, a one bit and the length fit two blocks.
constexpr std::size_t most_message_blocks = 2;
static_assert(max_kdf_salt_bytes + 4 + 1 + 8 <= most_message_blocks * block_bytes);

struct Shape {
    std::size_t digest_words;
    const EVP_MD* digest;

    [[nodiscard]] std::size_t digest_bytes() const noexcept { return digest_words * sizeof(std::uint32_t); }
};

Shape shape_of(KdfKind kind)
{
    return kind == KdfKind::pbkdf2_sha1 ? Shape{.digest_words = 5, .digest = EVP_sha1()}
                                        : Shape{.digest_words = 8, .digest = EVP_sha256()};
}

/// Puts the big-endian words of `bytes` into a lane.
void fill_lane(std::span<std::uint32_t> words, std::size_t lanes, std::size_t lane, ByteView bytes)
{
    for (std::size_t word = 0; word < bytes.size() / sizeof(std::uint32_t); ++word) {
        words[(word * lanes) + lane] = load_be<std::uint32_t>(bytes.subspan(word * sizeof(std::uint32_t), 4));
    }
}

/// HMAC's key: the secret, or its hash where it is longer than a block.
void fill_key(std::span<std::uint32_t> keys, std::size_t lanes, std::size_t lane, ByteView secret, const EVP_MD* digest)
{
    HashBlock key{};
    if (secret.size() > key.size()) {
        openssl::must(EVP_Digest(secret.data(), secret.size(), as_uchar(std::span<std::byte>{key}), nullptr, digest,
                                 nullptr) == 1,
                      "to hash a long secret");
    } else {
        std::ranges::copy(secret, key.begin());
    }
    fill_lane(keys, lanes, lane, key);
    wipe(key);
}

/// What HMAC hashes first, after its key: salt and number, padded.
class Message {
public:
    explicit Message(ByteView salt) : number_at_{salt.size()}
    {
        std::ranges::copy(salt, bytes_.begin());
        const auto end = salt.size() + sizeof(std::uint32_t);
        bytes_.at(end) = std::byte{0x80};
        blocks_ = end + 1 + sizeof(std::uint64_t) <= block_bytes ? 1 : 2;
        store_be(std::span{bytes_}.subspan((blocks_ * block_bytes) - sizeof(std::uint64_t), sizeof(std::uint64_t)),
                 std::uint64_t{(block_bytes + end) * 8});
    }
    [[nodiscard]] std::size_t blocks() const noexcept { return blocks_; }
    [[nodiscard]] ByteView numbered(std::uint32_t number) noexcept
    {
        store_be(std::span{bytes_}.subspan(number_at_, sizeof number), number);
        return ByteView{bytes_}.first(blocks_ * block_bytes);
    }

private:
    std::array<std::byte, most_message_blocks * block_bytes> bytes_{};
    std::size_t number_at_;
    std::size_t blocks_{1};
};

/// The part of `key` that output block `number` (from 0) fills.
void take_key(std::span<const std::uint32_t> sums, std::size_t lanes, std::size_t lane, std::size_t digest_bytes,
              std::size_t number, std::span<std::byte> key)
{
    const auto part = key.subspan(number * digest_bytes, std::min(digest_bytes, key.size() - (number * digest_bytes)));
    std::array<std::byte, sizeof(std::uint32_t)> word{};
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
    const auto shape = shape_of(job.kind);
    const auto lanes = kernel.lanes;
    const auto blocks_a_key = (job.key_bytes + shape.digest_bytes() - 1) / shape.digest_bytes();
    const auto wanted = secrets.size() * blocks_a_key;
    Message message{job.salt};
    for (std::size_t first = 0; first < wanted; first += lanes) {
        const auto used = std::min(lanes, wanted - first);
        // Lanes beyond those used derive a key from nothing, and nobody looks at it.
        const auto words = words_.zeros((block_words + (message.blocks() * block_words) + shape.digest_words) * lanes);
        const auto key_words = words.first(block_words * lanes);
        const auto message_words = words.subspan(key_words.size(), message.blocks() * block_words * lanes);
        const auto sums = words.last(shape.digest_words * lanes);
        for (std::size_t lane = 0; lane < used; ++lane) {
            const auto number = (first + lane) % blocks_a_key;
            fill_key(key_words, lanes, lane, secrets[(first + lane) / blocks_a_key], shape.digest);
            fill_lane(message_words, lanes, lane, message.numbered(static_cast<std::uint32_t>(number + 1)));
        }
        kernel.run({.keys = key_words.data(),
                    .messages = message_words.data(),
                    .message_blocks = message.blocks(),
                    .iterations = std::max(job.iterations.value, std::uint32_t{1}),
                    .sums = sums.data()});
        for (std::size_t lane = 0; lane < used; ++lane) {
            const auto secret = (first + lane) / blocks_a_key;
            take_key(sums, lanes, lane, shape.digest_bytes(), (first + lane) % blocks_a_key,
                     keys.subspan(secret * job.key_bytes, job.key_bytes));
        }
    }
    words_.clear();
}

} // namespace salvage::crypto::kdf
