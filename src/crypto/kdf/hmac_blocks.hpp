// What HMAC hashes first in PBKDF2: the block made from its key, and salt and number, padded.  RFC 8018, 5.2; RFC 2104.
// These are the standard's bytes; how their words are laid out is a kernel's matter.
#pragma once

#include <array>
#include <cstdint>

#include "crypto/kdf/kernels.hpp"
#include "salvage/core/bytes.hpp"
#include "salvage/crypto/kdf_device.hpp"

namespace salvage::crypto::kdf {

inline constexpr std::size_t word_bytes = sizeof(std::uint32_t);
inline constexpr std::size_t block_bytes = block_words * word_bytes;
using HashBlock = std::array<std::byte, block_bytes>;

/// Words of the digest that `kind` is made with; scrypt is made with SHA-256.
[[nodiscard]] constexpr std::size_t digest_words(KdfKind kind) noexcept
{
    return kind == KdfKind::pbkdf2_sha1 ? 5 : 8;
}

/// The secret as HMAC's key, or its hash where it is longer than a block, filled up with zeros.  Wipe it after use.
[[nodiscard]] HashBlock hmac_key_block(KdfKind kind, ByteView secret);

/// What follows the key block: salt and the number of the output block, padded.
class FirstMessage {
public:
    /// Requires: a salt within max_kdf_salt_bytes.
    explicit FirstMessage(ByteView salt);

    [[nodiscard]] std::size_t blocks() const noexcept { return blocks_; }
    /// For output block `number`, from 1.  Valid until the next call.
    [[nodiscard]] ByteView numbered(std::uint32_t number) noexcept;

private:
    /// Salt, number, a one bit and the length fit.
    static constexpr std::size_t most_blocks = 2;
    static_assert(max_kdf_salt_bytes + 4 + 1 + 8 <= most_blocks * block_bytes);

    std::array<std::byte, most_blocks * block_bytes> bytes_{};
    std::size_t number_at_;
    std::size_t blocks_;
};

} // namespace salvage::crypto::kdf
