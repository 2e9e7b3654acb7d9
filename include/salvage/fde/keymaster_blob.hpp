// The keymaster blob of a 1.3 footer: an RSA key that is either in clear, or useful to one phone only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/core/finding.hpp"
#include "salvage/core/result.hpp"
#include "salvage/crypto/rsa.hpp"
#include "salvage/fde/footer.hpp"

namespace salvage::fde {

/// What a blob is, and how that is known.
struct KeymasterBlobFacts {
    KeymasterBlob kind{KeymasterBlob::none};
    std::string container; ///< "integrity-assured", "PK#8", "DER", "BKMK", "OCB"; empty where it has no known one
    std::string text;      ///< one sentence with the proof
    ByteRange key;         ///< software: the DER key within the blob
    /// Integrity-assured blobs: whether their MAC agrees.  Nothing: the set that enters it and is not stored is unknown
    /// here.
    std::optional<bool> is_mac_valid;
    std::vector<Finding> findings;
};

/// Never fails: what cannot be read is opaque.  A DER RSA key anywhere in `blob` makes it a software blob.
/// Spec: AOSP system/keymaster (integrity_assured_key_blob.cpp, ocb_utils.cpp), system/security softkeymaster (PK#8).
[[nodiscard]] KeymasterBlobFacts classify_keymaster_blob(ByteView blob);

/// The RSA key of a software blob.  Errors: not_found (no such key in `blob`).
[[nodiscard]] Result<crypto::RsaPrivateKey> software_key(ByteView blob);

/// The RSA key of a Qualcomm keymaster 0 blob, with the phone's two secrets.
/// Errors: truncated; malformed (sizes, magic); invalid_argument (a key of no AES size);
/// mismatch (the MAC refuses `hmac_key`, or the exponent that `encryption_key` gives does not fit the modulus).
/// Spec: hardware/qcom/keymaster keymaster_qcom.h, struct qcom_km_key_blob.
[[nodiscard]] Result<crypto::RsaPrivateKey> open_bkmk(ByteView blob, ByteView encryption_key, ByteView hmac_key);

} // namespace salvage::fde
