// Key derivations of Android's disk encryption.
#pragma once

#include <cstdint>
#include <span>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/units.hpp"

namespace salvage::crypto {

/// Fills `key`.  Thread safe.  No iterations count as one.  Spec: RFC 8018 with HMAC-SHA1 / HMAC-SHA256.
void pbkdf2_sha1(ByteView password, ByteView salt, Iterations iterations, std::span<std::byte> key);
void pbkdf2_sha256(ByteView password, ByteView salt, Iterations iterations, std::span<std::byte> key);

/// scrypt cost as Android's footers store it: powers of two.  Default of Android: 15, 3, 1.
struct ScryptFactors {
    std::uint8_t n_log2{15};
    std::uint8_t r_log2{3};
    std::uint8_t p_log2{1};
    bool operator==(const ScryptFactors&) const = default;
};

/// Memory one derivation needs: 128 r (N + p + 2) bytes; the largest number where that does not fit in 64 bits.
[[nodiscard]] ByteCount scrypt_memory(ScryptFactors factors) noexcept;

/// Whether `factors` are taken at all.  Errors: unsupported (more than 1 GiB or more than 2^31 Salsa cores: nobody's
/// phone has them; or N = 1, or N >= 2^(16 r), which RFC 7914 excludes).
[[nodiscard]] Result<> check_scrypt(ScryptFactors factors);

/// Fills `key`.  Thread safe.  Memory: scrypt_memory(factors).  Errors: as check_scrypt.
/// Spec: RFC 7914.
[[nodiscard]] Result<> scrypt(ByteView password, ByteView salt, ScryptFactors factors, std::span<std::byte> key);

} // namespace salvage::crypto
