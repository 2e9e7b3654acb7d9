// The ways to make a sector cipher: by OpenSSL, by a kernel, and Adiantum.
#pragma once

#include <memory>

#include "crypto/sector/selection.hpp"
#include "salvage/core/secret.hpp"
#include "salvage/crypto/cipher.hpp"

namespace salvage::crypto::sector {

/// The part of a key that ciphers data, and the key that enciphers IVs (empty where none does).
struct KeyParts {
    ByteView data;
    SecretBytes iv;
};
/// Requires: AES in CBC or XTS, and a key that fits.
[[nodiscard]] KeyParts split_key(const SectorCipherSpec& spec, ByteView key);

// Requires for all: a key that fits the spec.
[[nodiscard]] std::unique_ptr<const SectorCipher> make_openssl_sectors(const SectorCipherSpec& spec, ByteView key);
[[nodiscard]] std::unique_ptr<const SectorCipher> make_kernel_sectors(const SectorCipherSpec& spec, ByteView key,
                                                                      const AesKernels& kernels);
[[nodiscard]] std::unique_ptr<const SectorCipher> make_adiantum_sectors(const SectorCipherSpec& spec, ByteView key,
                                                                        const Selection& kernels);

} // namespace salvage::crypto::sector
