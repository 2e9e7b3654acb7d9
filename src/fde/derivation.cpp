// AOSP system/vold cryptfs: pbkdf2, scrypt, scrypt_keymaster; keymaster_sign_object for the message's form.
#include "fde/derivation.hpp"

#include <algorithm>
#include <array>

namespace salvage::fde {
namespace {

/// RSA_KEY_SIZE / 8 of cryptfs.c: the size of the message, whatever the key.
constexpr std::size_t message_bytes = 256;

using Message = Secret<message_bytes>;

/// kdf 5 puts a zero byte first, so that the number is smaller than the modulus.  kdf 4 forgot it.  kdf 3 signs the 32
/// bytes as they are: as a number, they are zero-padded on the left.
std::size_t place_in_message(Kdf kdf) noexcept
{
    switch (kdf) {
    case Kdf::scrypt_keymaster_unpadded: return message_bytes - intermediate_bytes;
    case Kdf::scrypt_keymaster_badly_padded: return 0;
    default: return 1;
    }
}

} // namespace

Result<> check_factors(crypto::ScryptFactors factors)
{
    return crypto::scrypt({}, {}, factors, {});
}

Result<std::optional<KeyAndIv>> Derivation::derive(ByteView secret, ByteView salt) const
{
    if (uses_keymaster(kdf_)) {
        return derive_by_keymaster(secret, salt);
    }
    KeyAndIv out;
    const auto filled = std::span<std::byte>{out.expose_for_writing()}.first(bytes_);
    if (kdf_ == Kdf::scrypt) {
        SALVAGE_TRY(crypto::scrypt(secret, salt, factors_, filled));
    } else {
        crypto::pbkdf2_sha1(secret, salt, pbkdf2_iterations, filled);
    }
    return std::optional{std::move(out)};
}

Result<std::optional<SecretBytes>> sign_intermediate(Kdf kdf, const crypto::RsaPrivateKey& rsa, ByteView intermediate)
{
    Message message;
    std::ranges::copy(
        intermediate,
        std::span<std::byte>{message.expose_for_writing()}.subspan(place_in_message(kdf), intermediate_bytes).begin());
    auto signature = rsa.raw_private(message.expose());
    if (!signature.has_value()) {
        if (signature.error().code == ErrorCode::malformed) {
            return std::optional<SecretBytes>{}; // not smaller than the modulus
        }
        return signature.error();
    }
    return std::optional{std::move(*signature)};
}

Result<std::optional<KeyAndIv>> Derivation::derive_by_keymaster(ByteView secret, ByteView salt) const
{
    Secret<intermediate_bytes> intermediate;
    SALVAGE_TRY(crypto::scrypt(secret, salt, factors_, intermediate.expose_for_writing()));
    const auto signature = SALVAGE_TRY(sign_intermediate(kdf_, *rsa_, intermediate.expose()));
    if (!signature) {
        return std::optional<KeyAndIv>{};
    }
    KeyAndIv out;
    SALVAGE_TRY(crypto::scrypt(signature->expose(), salt, factors_,
                               std::span<std::byte>{out.expose_for_writing()}.first(bytes_)));
    return std::optional{std::move(out)};
}

} // namespace salvage::fde
