// From a secret to the key that wraps the master key: the kdf types of AOSP's footers.
#pragma once

#include <optional>

#include "salvage/core/result.hpp"
#include "salvage/core/secret.hpp"
#include "salvage/crypto/kdf.hpp"
#include "salvage/crypto/rsa.hpp"
#include "salvage/fde/footer.hpp"

namespace salvage::fde {

[[nodiscard]] constexpr bool uses_keymaster(Kdf kdf) noexcept
{
    return kdf == Kdf::scrypt_keymaster_unpadded || kdf == Kdf::scrypt_keymaster_badly_padded ||
           kdf == Kdf::scrypt_keymaster;
}
[[nodiscard]] constexpr bool uses_scrypt(Kdf kdf) noexcept
{
    return kdf == Kdf::scrypt || uses_keymaster(kdf);
}

/// HASH_COUNT of cryptfs.c, Android 3.0 and later.
inline constexpr Iterations pbkdf2_iterations{2000};

/// The keymaster's signature over the 32 bytes that the first scrypt yields, padded as `kdf` does.  Nothing where the
/// phone's keymaster could not have signed (kdf 4, one secret in a few): no footer can have been made of that secret.
[[nodiscard]] Result<std::optional<SecretBytes>> sign_intermediate(Kdf kdf, const crypto::RsaPrivateKey& rsa,
                                                                   ByteView intermediate);
/// What the first scrypt yields and the keymaster signs: INTERMEDIATE_BUF_SIZE.
inline constexpr std::size_t intermediate_bytes = 32;

/// Whether scrypt runs with these factors at all.  Errors: unsupported.
[[nodiscard]] Result<> check_factors(crypto::ScryptFactors factors);

/// Longest output: AES-256 key and IV.  Both derivations are prefix-stable, so what AES-128 takes are the first 32.
inline constexpr std::size_t wide_key_and_iv_bytes = 48;
inline constexpr std::size_t key_and_iv_bytes = 32;
using KeyAndIv = Secret<wide_key_and_iv_bytes>;

/// The derivation of one footer.  const, thread safe.
class Derivation {
public:
    /// `rsa`: the keymaster's key, with kdf 3 to 5.  `bytes`: how many of the output are filled, at most 48.
    Derivation(Kdf kdf, crypto::ScryptFactors factors, std::optional<crypto::RsaPrivateKey> rsa, std::size_t bytes)
        : kdf_{kdf}, factors_{factors}, rsa_{std::move(rsa)}, bytes_{bytes}
    {
    }

    /// Nothing where the phone's keymaster could not have signed (kdf 4, one secret in a few): no footer can have been
    /// made of that secret then.
    [[nodiscard]] Result<std::optional<KeyAndIv>> derive(ByteView secret, ByteView salt) const;

private:
    [[nodiscard]] Result<std::optional<KeyAndIv>> derive_by_keymaster(ByteView secret, ByteView salt) const;

    Kdf kdf_;
    crypto::ScryptFactors factors_;
    std::optional<crypto::RsaPrivateKey> rsa_;
    std::size_t bytes_;
};

} // namespace salvage::fde
