// PBKDF2 with HMAC-SHA1 and HMAC-SHA256.  RFC 8018, 5.2; RFC 2104.
//
// HMAC hashes one block made from the password before the message, once on the inside and once on the outside.  Those
// two hash states depend on the password only, so they are computed once.  An iteration is then two compressions of
// blocks whose padding never changes: half the work of calling a whole HMAC, and none of its bookkeeping.
#define OPENSSL_SUPPRESS_DEPRECATED // SHA1_Transform and SHA256_Transform: the EVP interface has no single compression.

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <tuple>

#include "crypto/openssl.hpp"
#include "salvage/core/secret.hpp"
#include "salvage/crypto/kdf.hpp"

namespace salvage::crypto {
namespace {

using openssl::must;

constexpr std::size_t hash_block_bytes = 64;
using HashBlock = std::array<std::byte, hash_block_bytes>;

struct Sha1Core {
    using Context = SHA_CTX;
    static constexpr std::size_t words = 5;
    static void start(Context& context) { must(SHA1_Init(&context) == 1, "to start SHA-1"); }
    static void update(Context& context, ByteView bytes)
    {
        must(SHA1_Update(&context, bytes.data(), bytes.size()) == 1, "to hash bytes");
    }
    static void finish(Context& context, std::span<std::byte> digest)
    {
        must(SHA1_Final(as_uchar(digest), &context) == 1, "to end SHA-1");
    }
    static void compress(Context& context, const HashBlock& block)
    {
        SHA1_Transform(&context, as_uchar(ByteView{block}));
    }
    static std::array<std::uint32_t, words> state(const Context& context) noexcept
    {
        return {context.h0, context.h1, context.h2, context.h3, context.h4};
    }
};

struct Sha256Core {
    using Context = SHA256_CTX;
    static constexpr std::size_t words = 8;
    static void start(Context& context) { must(SHA256_Init(&context) == 1, "to start SHA-256"); }
    static void update(Context& context, ByteView bytes)
    {
        must(SHA256_Update(&context, bytes.data(), bytes.size()) == 1, "to hash bytes");
    }
    static void finish(Context& context, std::span<std::byte> digest)
    {
        must(SHA256_Final(as_uchar(digest), &context) == 1, "to end SHA-256");
    }
    static void compress(Context& context, const HashBlock& block)
    {
        SHA256_Transform(&context, as_uchar(ByteView{block}));
    }
    static std::array<std::uint32_t, words> state(const Context& context) noexcept { return std::to_array(context.h); }
};

/// HMAC under one password: both hashes after their first block.  Wiped at its end.
template <typename Core>
class KeyedHmac {
public:
    static constexpr std::size_t digest_bytes = Core::words * 4;
    using Words = std::array<std::uint32_t, Core::words>;

    explicit KeyedHmac(ByteView password)
    {
        HashBlock key{};
        if (password.size() > key.size()) {
            typename Core::Context context;
            Core::start(context);
            Core::update(context, password);
            Core::finish(context, std::span{key}.first(digest_bytes));
            wipe_object(context);
        } else {
            std::ranges::copy(password, key.begin());
        }
        absorb(inner_, key, std::byte{0x36});
        absorb(outer_, key, std::byte{0x5C});
        wipe(key);
    }
    KeyedHmac(const KeyedHmac&) = delete;
    KeyedHmac& operator=(const KeyedHmac&) = delete;
    KeyedHmac(KeyedHmac&&) = delete;
    KeyedHmac& operator=(KeyedHmac&&) = delete;
    ~KeyedHmac()
    {
        wipe_object(inner_);
        wipe_object(outer_);
    }

    /// The first link of a chain: the MAC of salt and block number.  `block` is left holding it, padded for `next`.
    void first(ByteView salt, std::uint32_t number, HashBlock& block) const
    {
        std::array<std::byte, 4> counter{};
        store_be(std::span{counter}, number);
        auto context = inner_;
        Core::update(context, salt);
        Core::update(context, counter);
        pad(block);
        Core::finish(context, std::span{block}.first(digest_bytes));
        wipe_object(context);
        std::ignore = pass(outer_, block);
    }
    /// The MAC of the digest in `block`, left in `block`.
    [[nodiscard]] Words next(HashBlock& block) const
    {
        std::ignore = pass(inner_, block);
        return pass(outer_, block);
    }
    static Words words_of(const HashBlock& block) noexcept
    {
        Words words{};
        for (std::size_t i = 0; i < words.size(); ++i) {
            words[i] = load_be<std::uint32_t>(ByteView{block}.subspan(i * 4, 4));
        }
        return words;
    }

private:
    template <typename T>
    static void wipe_object(T& object) noexcept
    {
        wipe(std::as_writable_bytes(std::span{&object, 1}));
    }
    static void absorb(typename Core::Context& context, HashBlock key, std::byte pad_with)
    {
        std::ranges::for_each(key, [pad_with](std::byte& byte) { byte ^= pad_with; });
        Core::start(context);
        Core::update(context, key);
        wipe(key);
    }
    /// The end of a message of one key block and one digest: a one bit, zeros, the length in bits.
    static void pad(HashBlock& block) noexcept
    {
        block = HashBlock{};
        block[digest_bytes] = std::byte{0x80};
        store_be(std::span{block}.last(8), std::uint64_t{(hash_block_bytes + digest_bytes) * 8});
    }
    static Words pass(typename Core::Context context, HashBlock& block)
    {
        Core::compress(context, block);
        const auto words = Core::state(context);
        for (std::size_t i = 0; i < words.size(); ++i) {
            store_be(std::span{block}.subspan(i * 4, 4), words[i]);
        }
        return words;
    }

    typename Core::Context inner_{};
    typename Core::Context outer_{};
};

template <typename Core>
void pbkdf2(ByteView password, ByteView salt, Iterations iterations, std::span<std::byte> key)
{
    using Hmac = KeyedHmac<Core>;
    const Hmac hmac{password};
    HashBlock block{};
    HashBlock sum{};
    for (std::uint32_t number = 1; !key.empty(); ++number) {
        hmac.first(salt, number, block);
        auto words = Hmac::words_of(block);
        for (std::uint32_t i = 1; i < iterations.value; ++i) {
            const auto link = hmac.next(block);
            for (std::size_t j = 0; j < words.size(); ++j) {
                words[j] ^= link[j];
            }
        }
        for (std::size_t j = 0; j < words.size(); ++j) {
            store_be(std::span{sum}.subspan(j * 4, 4), words[j]);
        }
        const auto taken = std::min(key.size(), Hmac::digest_bytes);
        std::ranges::copy(ByteView{sum}.first(taken), key.begin());
        key = key.subspan(taken);
    }
    wipe(block);
    wipe(sum);
}

} // namespace

void pbkdf2_sha1(ByteView password, ByteView salt, Iterations iterations, std::span<std::byte> key)
{
    pbkdf2<Sha1Core>(password, salt, iterations, key);
}

void pbkdf2_sha256(ByteView password, ByteView salt, Iterations iterations, std::span<std::byte> key)
{
    pbkdf2<Sha256Core>(password, salt, iterations, key);
}

} // namespace salvage::crypto
