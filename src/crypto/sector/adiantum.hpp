// Adiantum with any tweak: what the sector cipher is made of, and what published vectors are held against.
#pragma once

#include <array>
#include <memory>
#include <span>

#include "crypto/openssl.hpp"
#include "crypto/sector/poly1305.hpp"
#include "crypto/sector/selection.hpp"
#include "salvage/core/bytes.hpp"

namespace salvage::crypto::sector {

/// The number of a sector, le64, and zeros, where dm-crypt makes it.
using AdiantumTweak = std::array<std::byte, 32>;

/// const, thread safe.
class Adiantum {
public:
    /// Requires: key of 32 bytes; rounds of ChaCha: 12 or 20.
    Adiantum(ByteView key, unsigned rounds, const Selection& kernels);
    Adiantum(const Adiantum&) = delete;
    Adiantum& operator=(const Adiantum&) = delete;
    ~Adiantum();

    /// One message for every tweak, each of `message_bytes`, one after another.
    /// Requires: message_bytes is whole blocks and not 0; source and target are as large as all messages and the same,
    /// or do not overlap.
    void pass(openssl::Direction direction, std::span<const AdiantumTweak> tweaks, std::size_t message_bytes,
              ByteView source, std::span<std::byte> target) const;

private:
    class BlockCipher;
    struct Batch;

    void pass_batch(const Batch& batch, BlockCipher& cipher) const;
    [[nodiscard]] Number128 hash_tweak(const AdiantumTweak& tweak, std::size_t bulk_bytes) const;
    [[nodiscard]] Number128 hash_bulk(ByteView bulk) const;

    unsigned rounds_;
    const AdiantumKernels* kernels_;
    const AesKernels* aes_; ///< null: OpenSSL
    std::array<std::uint32_t, stream_key_words> stream_key_{};
    std::array<std::uint32_t, nh_key_words> nh_key_{};
    std::unique_ptr<const Poly1305Key> tweak_key_;
    std::unique_ptr<const Poly1305Key> bulk_key_;
    KeyPair block_keys_{};
    openssl::CipherContext encrypting_; ///< without AES kernels
    openssl::CipherContext decrypting_;
};

} // namespace salvage::crypto::sector
