// The one RSA operation Android's kdf 5 needs: m^d mod n, without padding.
#pragma once

#include <memory>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/secret.hpp"

namespace salvage::crypto {

/// An RSA private key.  const, thread safe.
class RsaPrivateKey {
public:
    /// From DER: PKCS#1 RSAPrivateKey or PKCS#8.  What follows the key in `der` is let be.
    /// Errors: malformed; unsupported (not RSA, or over 4096 bits); mismatch (the exponents do not belong together).
    [[nodiscard]] static Result<RsaPrivateKey> from_der(ByteView der);
    /// From big-endian modulus and private exponent, with the public exponent for the self-check.
    /// Errors: malformed; mismatch (the exponents do not belong together).
    [[nodiscard]] static Result<RsaPrivateKey> from_numbers(ByteView modulus, ByteView public_exponent,
                                                            ByteView private_exponent);

    [[nodiscard]] std::size_t modulus_bytes() const noexcept;
    /// message^d mod n as modulus_bytes() big-endian bytes, zero-padded on the left.
    /// Errors: malformed (message is not smaller than the modulus).
    [[nodiscard]] Result<SecretBytes> raw_private(ByteView message) const;

    RsaPrivateKey(const RsaPrivateKey&) = default;
    RsaPrivateKey& operator=(const RsaPrivateKey&) = default;
    RsaPrivateKey(RsaPrivateKey&&) noexcept = default;
    RsaPrivateKey& operator=(RsaPrivateKey&&) noexcept = default;
    ~RsaPrivateKey() = default;

private:
    struct State;
    explicit RsaPrivateKey(std::shared_ptr<const State> state) noexcept : state_{std::move(state)} {}
    std::shared_ptr<const State> state_;
};

} // namespace salvage::crypto
