// AES of a few blocks under a fresh key, by the processor's own instructions: what a search does for every candidate.
//
// Setting a key up in OpenSSL takes several times longer than all of this.  Long messages are better off
// with OpenSSL.
#pragma once

#include "salvage/core/bytes.hpp"
#include "salvage/crypto/cipher.hpp"

namespace salvage::crypto::aes_ni {

/// Whether this machine has the instructions and they take a key of this size (16 or 32 bytes).
[[nodiscard]] bool takes_key_of(std::size_t key_bytes) noexcept;

/// As aes_ecb_decrypt and aes_cbc_decrypt.  Requires: takes_key_of(key.size()).
[[nodiscard]] AesBlock ecb_decrypt(ByteView key, const AesBlock& block) noexcept;
void cbc_decrypt(ByteView key, const AesBlock& iv, ByteView data, std::span<std::byte> into) noexcept;

} // namespace salvage::crypto::aes_ni
