// The verdict: can this be opened, by whom, why, at what cost, and what to type next.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/error.hpp"

namespace salvage::rescue {

enum class VerdictCode : std::uint8_t {
    open,            ///< secret known or default
    needs_secret,    ///< opens on this machine once the secret is known
    needs_phone_key, ///< only the phone's chip can use the key
    key_missing,     ///< encrypted, and the footer's place is not in this dump
    mismatch,        ///< key and data come from different installations
    not_encrypted,
    file_based_encryption, ///< FBE or metadata encryption
    damaged,
    unsupported,
};
/// The stable code of JSON: "needs-secret".
[[nodiscard]] std::string_view to_string(VerdictCode code) noexcept;
/// The headline a person reads first.
[[nodiscard]] std::string_view headline(VerdictCode code) noexcept;
/// How `inspect` and `rescue` end: 0, 1, 3, 6 or 7.
[[nodiscard]] int exit_code(VerdictCode code) noexcept;

/// What a search would take on this machine.
struct AttackCost {
    std::string attack; ///< "4-digit PIN"
    std::uint64_t candidates{};
    double seconds{}; ///< for all of them, from the rate measured on this machine
};

struct Verdict {
    VerdictCode code{VerdictCode::unsupported};
    std::string headline{};         ///< instead of the code's own, where that would not be true; empty otherwise
    std::string text;               ///< one or two sentences for the owner
    std::vector<std::string> proof; ///< facts with bytes and numbers
    std::string next;               ///< the command to type next
    std::vector<AttackCost> cost;   ///< with needs_secret
};

/// What a person reads first about this very verdict.
[[nodiscard]] inline std::string_view headline(const Verdict& verdict) noexcept
{
    return verdict.headline.empty() ? headline(verdict.code) : std::string_view{verdict.headline};
}

} // namespace salvage::rescue
