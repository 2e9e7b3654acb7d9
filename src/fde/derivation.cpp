// AOSP system/vold cryptfs: pbkdf2, scrypt, scrypt_keymaster; keymaster_sign_object for the message's form.
#include "fde/derivation.hpp"

#include <algorithm>
#include <array>

namespace salvage::fde {
namespace {

/// HASH_COUNT of cryptfs.c, Android 3.0 and later.
constexpr Iterations pbkdf2_iterations{2000};
/// RSA_KEY_SIZE / 8 of cryptfs.c: the size of the message, whatever the key.
constexpr std::size_t message_bytes = 256;
/// What the first scrypt yields and the keymaster signs: INTERMEDIATE_BUF_SIZE.
constexpr std::size_t intermediate_bytes = 32;

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

Result<std::optional<KeyAndIv>> Derivation::derive_by_keymaster(ByteView secret, ByteView salt) const
{
    Message message;
    const auto intermediate =
        std::span<std::byte>{message.expose_for_writing()}.subspan(place_in_message(kdf_), intermediate_bytes);
    SALVAGE_TRY(crypto::scrypt(secret, salt, factors_, intermediate));
    const auto signature = rsa_->raw_private(message.expose());
    if (!signature.has_value()) {
        if (signature.error().code == ErrorCode::malformed) {
            return std::optional<KeyAndIv>{}; // not smaller than the modulus
        }
        return signature.error();
    }
    KeyAndIv out;
    SALVAGE_TRY(crypto::scrypt(signature->expose(), salt, factors_,
                               std::span<std::byte>{out.expose_for_writing()}.first(bytes_)));
    return std::optional{std::move(out)};
}

} // namespace salvage::fde
