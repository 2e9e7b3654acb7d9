// From derived bytes to the master key: AOSP's unwraps and Samsung's.
#pragma once

#include <span>
#include <vector>

#include "salvage/core/secret.hpp"
#include "salvage/fde/footer.hpp"

namespace salvage::fde {

/// How wide the AES key is that wraps the master key.
enum class Wrap : std::uint8_t {
    aes_128, ///< AOSP, every version and key size
    aes_256, ///< HTC and other vendors' 256-bit footers of Android 4
};

[[nodiscard]] constexpr std::size_t kek_bytes(Wrap wrap) noexcept
{
    return wrap == Wrap::aes_128 ? 16 : 32;
}

/// Those that are possible for this footer.
[[nodiscard]] std::vector<Wrap> wraps_of(const CryptoFooter& footer);
/// What they take of the derivation: 32 or 48 bytes.
[[nodiscard]] std::size_t derived_bytes(const std::vector<Wrap>& wraps) noexcept;

/// AES-CBC over the wrapped key.  Requires: `key_and_iv` holds derived_bytes(), `into` the footer's key_bytes.
void unwrap_into(const CryptoFooter& footer, ByteView key_and_iv, Wrap wrap, std::span<std::byte> into);

/// PBKDF2 of Samsung's EDK.  donctl/sandy sandutils.py.
inline constexpr Iterations samsung_iterations{4096};
/// DEK = EDK xor AES-256-CTR(key).  Requires: 32 bytes of key.
[[nodiscard]] SecretBytes unwrap_samsung(const CryptoFooter& footer, ByteView key);

} // namespace salvage::fde
