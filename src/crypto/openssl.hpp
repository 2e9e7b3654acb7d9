// OpenSSL's objects with owners, and its algorithms looked up once instead of on every call.
#pragma once

#include <openssl/bn.h>
#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "salvage/core/bytes.hpp"

namespace salvage::crypto::openssl {

/// Calls `function` on what it deletes.
template <auto function>
struct Deleter {
    template <typename T>
    void operator()(T* object) const noexcept
    {
        function(object);
    }
};
using Cipher = std::unique_ptr<EVP_CIPHER, Deleter<EVP_CIPHER_free>>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Deleter<EVP_CIPHER_CTX_free>>;
using Digest = std::unique_ptr<EVP_MD, Deleter<EVP_MD_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Number = std::unique_ptr<BIGNUM, Deleter<BN_clear_free>>;
using NumberContext = std::unique_ptr<BN_CTX, Deleter<BN_CTX_free>>;
using MontgomeryContext = std::unique_ptr<BN_MONT_CTX, Deleter<BN_MONT_CTX_free>>;

/// For steps that can only fail by our own mistake or for want of memory, whatever the input: throws.
void must(bool succeeded, std::string_view step);

enum class BlockMode : std::uint8_t { ecb, cbc };
enum class Direction : bool { decrypt, encrypt };

/// AES without padding under `key`, ready for an IV (CBC) or for data (ECB).
/// Requires: key of 16, 24 or 32 bytes.
[[nodiscard]] CipherContext make_aes(BlockMode mode, Direction direction, ByteView key);

/// A context of its own in the state of `prepared`.
[[nodiscard]] CipherContext copy_of(const EVP_CIPHER_CTX& prepared);

/// Starts a new message under the key the context has.
void set_iv(EVP_CIPHER_CTX& context, ByteView iv);

/// Passes `data` through the cipher; `into` is `data` itself or does not overlap it.
/// Requires: whole blocks, less than 2 GiB, into.size() == data.size().
void transform(EVP_CIPHER_CTX& context, ByteView data, std::span<std::byte> into);

/// SHA-256, looked up once.
[[nodiscard]] const EVP_MD& sha256_algorithm();

/// Forgets the reasons of a failed call, so that they do not surface in an unrelated one.
void forget_errors() noexcept;

} // namespace salvage::crypto::openssl
