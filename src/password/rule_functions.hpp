// What each function of a rule does to a word.  One table; names, parameters and quirks are hashcat's.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "salvage/password/rules.hpp"

namespace salvage::password {

enum class RuleParameter : std::uint8_t { none, position, character };

/// The word under way, and what a rule remembers.
struct RuleState {
    std::string& word;
    std::string memory{};               ///< as of the last `M`
    std::optional<std::size_t> found{}; ///< where `/` or `%` last found their character
};
using RuleArguments = std::array<std::size_t, 3>;

/// What a position is stored as where it is `p`: the place `/` or `%` found.
inline constexpr std::uint8_t position_found = 0xFF;

/// False: the word is rejected.
using RuleEffect = bool (*)(RuleState&, const RuleArguments&);

struct RuleFunction {
    char name{};
    std::array<RuleParameter, 3> parameters{};
    RuleEffect in_file{};
    RuleEffect at_side{}; ///< the same but for `3`, `e` and `R`
    bool is_side_only{};  ///< for hashcat
    std::string_view what;
};

/// Null where there is no such function.
[[nodiscard]] const RuleFunction* find_rule_function(char name) noexcept;

/// False: rejected.  Requires: steps as the parser makes them.
[[nodiscard]] bool apply_rule(std::span<const RuleStep> steps, RulePlace place, std::string& word);

/// Steps in hashcat's writing.
[[nodiscard]] std::string rule_text(std::span<const RuleStep> steps);

/// See Rule::beyond_hashcat.
[[nodiscard]] std::optional<char> beyond_hashcat(std::span<const RuleStep> steps, RulePlace place);

/// Appends the steps of one line, at least one.  Errors: as Rule::parse.
[[nodiscard]] Result<> parse_rule(std::string_view text, std::vector<RuleStep>& into);

} // namespace salvage::password
