// The unlockers that derive on a device.
#pragma once

#include <memory>
#include <optional>

#include "salvage/crypto/kdf_device.hpp"
#include "salvage/crypto/rsa.hpp"
#include "salvage/fde/unlock.hpp"

namespace salvage::fde {

/// `footer` and `device` outlive it.  `rsa`: the keymaster's key, with kdf 3 to 5.
[[nodiscard]] std::unique_ptr<BatchUnlocker>
make_aosp_batch(const CryptoFooter& footer, const std::optional<crypto::RsaPrivateKey>& rsa, crypto::KdfDevice& device);
[[nodiscard]] std::unique_ptr<BatchUnlocker> make_samsung_batch(const CryptoFooter& footer, crypto::KdfDevice& device);

} // namespace salvage::fde
