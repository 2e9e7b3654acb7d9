// Ed25519 signatures over OpenSSL, with keys as `openssl genpkey -algorithm ed25519` writes them.
// Spec: RFC 8032 (pure Ed25519); RFC 8410 (keys).
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/secret.hpp"

namespace salvage::crypto {

using Ed25519Signature = std::array<std::byte, 64>;

/// A public key.  Movable.
class Ed25519Verifier {
public:
    /// Errors: malformed (no public key in PEM), unsupported (of another kind).
    [[nodiscard]] static Result<Ed25519Verifier> from_pem(ByteView pem);
    [[nodiscard]] bool is_signature_of(ByteView signature, ByteView message) const;
    /// SHA-256 of the key in DER, hex.
    [[nodiscard]] const std::string& fingerprint() const noexcept;

    Ed25519Verifier(Ed25519Verifier&&) noexcept;
    Ed25519Verifier& operator=(Ed25519Verifier&&) noexcept;
    ~Ed25519Verifier();

private:
    struct State;
    explicit Ed25519Verifier(std::unique_ptr<State> state) noexcept;
    std::unique_ptr<State> state_;
};

/// A private key.  Movable.
class Ed25519Signer {
public:
    /// Errors: malformed (no private key in PEM), unsupported (of another kind), invalid_argument (encrypted, and no
    /// passphrase given), wrong_secret (not with this passphrase).
    [[nodiscard]] static Result<Ed25519Signer> from_pem(const SecretBytes& pem, const SecretBytes* passphrase);
    /// A new key, by OpenSSL's own random numbers.
    [[nodiscard]] static Ed25519Signer generate();
    [[nodiscard]] Ed25519Signature sign(ByteView message) const;
    /// The private key in PEM, not encrypted.
    [[nodiscard]] SecretBytes private_pem() const;
    /// The public key in PEM.
    [[nodiscard]] std::string public_pem() const;

    Ed25519Signer(Ed25519Signer&&) noexcept;
    Ed25519Signer& operator=(Ed25519Signer&&) noexcept;
    ~Ed25519Signer();

private:
    struct State;
    explicit Ed25519Signer(std::unique_ptr<State> state) noexcept;
    std::unique_ptr<State> state_;
};

} // namespace salvage::crypto
