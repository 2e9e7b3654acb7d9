// Attacks as a person names them, turned into numbered steps: hashcat's modes by hashcat's names, and our own.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/password/mask.hpp"
#include "salvage/rescue/search.hpp"

namespace salvage::rescue {

/// hashcat's -a.
enum class AttackMode : std::uint8_t {
    straight = 0,   ///< words, with rules
    combinator = 1, ///< every word of one list followed by every word of another
    mask = 3,
    words_mask = 6, ///< hybrid: word, then mask
    mask_words = 7, ///< hybrid: mask, then word
};

/// What is to be tried.  Several kinds together are tried one after another: given lists and masks first, then PINs,
/// patterns, dates, templates in this order.
struct AttackSpec {
    std::optional<AttackMode> mode;                ///< nothing: straight, where there are words
    std::vector<std::string> words;                ///< lists and masks, as the mode takes them; "-" is standard input
    std::vector<std::filesystem::path> rule_files; ///< -r, several: every rule of one after every rule of the other
    std::string rule_left;                         ///< -j
    std::string rule_right;                        ///< -k
    password::CustomCharsets charsets;             ///< -1 to -4
    password::MaskNotation notation{password::MaskNotation::text};
    std::optional<password::MaskIncrement> increment;

    std::string pins;             ///< "4", "4-6"
    std::optional<unsigned> grid; ///< patterns of so many dots a row, in both encodings
    std::optional<unsigned> max_dots;
    std::string pattern;                   ///< half remembered: "1-?-?-8"
    std::string dates;                     ///< "1950-2010"; "all": the usual years
    std::vector<std::string> date_formats; ///< empty: people's
    std::vector<std::string> remembered;   ///< templates: "Sommer?d?d??"

    /// Whether nothing is named at all: the owner's plan is due then.
    [[nodiscard]] bool is_empty() const noexcept;
};

/// The steps of what is named, in order.  `stdin_descriptor` is read by the step of "-" alone.
/// Errors: invalid_argument (says which option and what it takes); io, malformed (lists, rule and mask files);
/// unsupported; cancelled (indexing a list).
[[nodiscard]] Result<std::vector<SearchStep>> make_attacks(const AttackSpec& spec, int stdin_descriptor,
                                                           const RunContext& context);

/// Digits of PINs as a user types them: "4", or "4-6".  Errors: invalid_argument.
struct PinRange {
    unsigned min{};
    unsigned max{};
};
[[nodiscard]] Result<PinRange> parse_pin_range(const std::string& text);

} // namespace salvage::rescue
