// Whether a footer opens without its phone.  AOSP system/vold cryptfs, and docs/formats/keymaster-blob.md.
#include <fmt/format.h>

#include "fde/derivation.hpp"
#include "salvage/core/text.hpp"
#include "salvage/crypto/cipher.hpp"
#include "salvage/fde/keymaster_blob.hpp"
#include "salvage/fde/unlock.hpp"

namespace salvage::fde {
namespace {

/// What to add where the key can be had and the data still cannot be deciphered by this program.
std::string cipher_caveat(const CryptoFooter& footer)
{
    const auto spec = crypto::parse_cipher_name(footer.cipher);
    return spec.has_value() ? std::string{} : fmt::format("; but {}", spec.error().what);
}

OfflineAnswer keymaster_answer(const CryptoFooter& footer)
{
    const auto facts = classify_keymaster_blob(footer.keymaster_blob);
    switch (facts.kind) {
    case KeymasterBlob::software:
        return {.offline = Offline::yes,
                .reason = fmt::format("the key derivation signs with an RSA key, and that key is in the footer: {}{}",
                                      facts.text, cipher_caveat(footer))};
    case KeymasterBlob::bkmk:
        return {.offline = Offline::with_phone_keys,
                .reason = fmt::format("the key derivation signs with an RSA key of the phone; {}", facts.text)};
    case KeymasterBlob::none:
        return {.offline = Offline::needs_phone,
                .reason = fmt::format("kdf_type {} signs with an RSA key of the phone's keymaster, and {}",
                                      footer.kdf_raw, facts.text)};
    case KeymasterBlob::opaque: break;
    }
    return {.offline = Offline::needs_phone,
            .reason = fmt::format("the key derivation signs with an RSA key of the phone; {}", facts.text)};
}

} // namespace

OfflineAnswer can_open_offline(const CryptoFooter& footer)
{
    if (footer.kind == FooterKind::samsung_ode) {
        return {.offline = Offline::unsupported,
                .reason = fmt::format("Samsung's on-device encryption (cipher {}): the key in the footer can be "
                                      "unwrapped by the phone's secure world only",
                                      printable(footer.cipher))};
    }
    if (footer.kind == FooterKind::qualcomm_hw) {
        return {.offline = Offline::unsupported,
                .reason = "Qualcomm's hardware encryption (cipher aes-xts): the data key is made and kept in the chip, "
                          "and the key in the footer is not the one that ciphers the data"};
    }
    if ((footer.flags & footer_flag::key_unencrypted) != 0) {
        return {.offline = Offline::key_in_clear,
                .reason = fmt::format("flag 0x1: the footer stores its key in the clear, so no password is needed{}",
                                      cipher_caveat(footer))};
    }
    if (footer.kind == FooterKind::samsung_edk) {
        return {.offline = Offline::yes,
                .reason = "Samsung's EDK: PBKDF2 and an HMAC that tells a right password from a wrong one" +
                          cipher_caveat(footer)};
    }
    if (uses_scrypt(footer.kdf)) {
        if (const auto factors = check_factors(footer.scrypt); !factors.has_value()) {
            return {.offline = Offline::unsupported,
                    .reason = fmt::format("{}: {}", factors.error().what, factors.error().why)};
        }
    }
    if (uses_keymaster(footer.kdf)) {
        return keymaster_answer(footer);
    }
    return {.offline = Offline::yes,
            .reason = fmt::format("the key derivation ({}) takes the secret and the footer alone{}",
                                  to_string(footer.kdf), cipher_caveat(footer))};
}

} // namespace salvage::fde
