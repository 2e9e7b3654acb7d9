// What a search's target and plan share.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/fde/footer.hpp"
#include "salvage/rescue/search.hpp"

namespace salvage::rescue {

/// What vold encrypts with while the user has set no secret.  Spec: AOSP system/vold cryptfs.c, DEFAULT_PASSWORD.
inline constexpr std::string_view default_password = "default_password";

/// With flags 0x10 and 0x20 the key is wrapped with the default password, while the check value is of the user's own.
/// Spec: AOSP system/vold cryptfs.c of Android 7, cryptfs_enable_internal and cryptfs_check_passwd.
[[nodiscard]] bool is_key_under_default_password(const fde::CryptoFooter& footer) noexcept;

/// The targets of several subjects, in their order.
class TargetSet {
public:
    /// Errors: invalid_argument (none, or more than a session takes); those of make_footer_target.
    [[nodiscard]] static Result<TargetSet> make(std::span<const SearchSubject> subjects, PasswordCheck check,
                                                const std::vector<GivenSecret>& listed = {});

    [[nodiscard]] std::span<const password::Target* const> views() const noexcept { return views_; }
    [[nodiscard]] const FooterTarget& at(std::size_t index) const { return *targets_.at(index); }
    [[nodiscard]] std::string identity() const;

private:
    std::vector<std::unique_ptr<const FooterTarget>> targets_;
    std::vector<const password::Target*> views_;
};

} // namespace salvage::rescue
