// What a search's target and plan share.
#pragma once

#include <string_view>

#include "salvage/fde/footer.hpp"

namespace salvage::rescue {

/// What vold encrypts with while the user has set no secret.  Spec: AOSP system/vold cryptfs.c, DEFAULT_PASSWORD.
inline constexpr std::string_view default_password = "default_password";

/// With flags 0x10 and 0x20 the key is wrapped with the default password, while the check value is of the user's own.
/// Spec: AOSP system/vold cryptfs.c of Android 7, cryptfs_enable_internal and cryptfs_check_passwd.
[[nodiscard]] bool is_key_under_default_password(const fde::CryptoFooter& footer) noexcept;

} // namespace salvage::rescue
