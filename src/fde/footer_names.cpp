// Names of what footers hold, as reports show them.
#include "salvage/fde/footer.hpp"

namespace salvage::fde {

std::string_view to_string(FooterKind kind) noexcept
{
    switch (kind) {
    case FooterKind::aosp: return "aosp";
    case FooterKind::samsung_edk: return "samsung-edk";
    case FooterKind::samsung_ode: return "samsung-ode";
    case FooterKind::qualcomm_hw: return "qualcomm-hw";
    }
    return "unknown";
}

std::string_view to_string(Kdf kdf) noexcept
{
    switch (kdf) {
    case Kdf::pbkdf2: return "pbkdf2";
    case Kdf::scrypt: return "scrypt";
    case Kdf::scrypt_keymaster_unpadded: return "scrypt-keymaster-unpadded";
    case Kdf::scrypt_keymaster_badly_padded: return "scrypt-keymaster-badly-padded";
    case Kdf::scrypt_keymaster: return "scrypt-keymaster";
    case Kdf::samsung_pbkdf2_sha256: return "samsung-pbkdf2-sha256";
    case Kdf::unknown: break;
    }
    return "unknown";
}

std::string_view to_string(CryptType type) noexcept
{
    switch (type) {
    case CryptType::password: return "password";
    case CryptType::default_password: return "default";
    case CryptType::pattern: return "pattern";
    case CryptType::pin: return "pin";
    }
    return "unknown";
}

std::string_view to_string(KeymasterBlob blob) noexcept
{
    switch (blob) {
    case KeymasterBlob::none: return "none";
    case KeymasterBlob::software: return "software";
    case KeymasterBlob::bkmk: return "bkmk";
    case KeymasterBlob::opaque: return "opaque";
    }
    return "unknown";
}

} // namespace salvage::fde
