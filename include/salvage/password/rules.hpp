// Rules: small programs that turn one word into another, in the language of hashcat's -r, -j and -k.
// Format: docs/formats/rules.md.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/password/keyspace.hpp"

namespace salvage::password {

/// A function that would make a word this long or longer leaves it as it is, as hashcat does; `X` alone may make it
/// just this long.  So rules never grow a word beyond max_word_bytes.
inline constexpr std::size_t rule_growth_limit = 256;
/// Functions of one rule; hashcat takes 31.
inline constexpr std::size_t max_rule_functions = 255;
/// Longest line of a rule file: as many functions with their parameters in \xNN and blanks between them.
inline constexpr std::size_t max_rule_line_bytes = 4096;
/// Rules of one file; the largest that are passed around have about 50 million lines of nearly no use.
inline constexpr std::size_t max_rules = std::size_t{1} << 24U;
inline constexpr ByteCount max_rule_file_bytes{512ULL << 20U};

/// Where a rule stands.  hashcat has two engines: its kernels for -r, another for -j and -k; they read `e` and `3`
/// differently, and the second takes no word of rule_growth_limit bytes.
enum class RulePlace : std::uint8_t {
    file, ///< -r
    side, ///< -j, -k
};

/// One function with its parameters: positions as numbers, characters as they are.
struct RuleStep {
    std::uint8_t function{}; ///< its character
    std::array<std::uint8_t, 3> parameters{};
    bool operator==(const RuleStep&) const = default;
};

/// One rule.  A value; applying it is const and thread safe.
class Rule {
public:
    /// Changes nothing.
    Rule() = default;

    /// Reads one line without its end.  Errors: malformed (unknown function, missing or wrong parameter, too long),
    /// where = position in `text`; the text names the function and what it takes.
    [[nodiscard]] static Result<Rule> parse(std::string_view text, RulePlace place);

    /// Changes `word`; false where the rule rejects it (`word` is then unspecified).
    [[nodiscard]] bool apply(std::string& word) const;

    [[nodiscard]] const std::vector<RuleStep>& steps() const noexcept { return steps_; }
    [[nodiscard]] RulePlace place() const noexcept { return place_; }
    /// The rule in hashcat's writing; parse() reads it back to an equal rule.
    [[nodiscard]] std::string text() const;
    /// The first function hashcat would not take where this rule stands: it passes such a line over.  Nothing where
    /// hashcat takes them all.
    [[nodiscard]] std::optional<char> beyond_hashcat() const;
    bool operator==(const Rule&) const = default;

private:
    std::vector<RuleStep> steps_{RuleStep{.function = ':'}};
    RulePlace place_{RulePlace::file};
};

/// Rules one after another, numbered from 0: those of a file, or of several files combined.
///
/// Several files: every rule of the first with every rule of the second and so on, the first file's functions first and
/// its number changing fastest, as hashcat numbers them.
class RuleSet {
public:
    /// One rule that changes nothing.
    RuleSet() = default;

    /// Reads a rule file.  Empty lines and lines that begin with '#' say nothing.
    /// Errors: malformed (what, with line and column; where = the byte in `name`), unsupported (over the limits above).
    [[nodiscard]] static Result<RuleSet> parse(std::string_view text, std::string_view name);
    /// The same of a file.  Errors: io; those of parse().
    [[nodiscard]] static Result<RuleSet> read(const std::filesystem::path& path);
    /// A set of one.
    [[nodiscard]] static RuleSet of(const Rule& rule);
    /// Every rule of this with every rule of `next` after it.  Errors: invalid_argument (over 2^64 rules).
    [[nodiscard]] Result<RuleSet> combined_with(const RuleSet& next) const;

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    /// Changes `word` by rule `index`; false where it rejects it.  Requires: index < size().
    [[nodiscard]] bool apply(std::uint64_t index, std::string& word) const;
    /// Rule `index` in hashcat's writing.  Requires: index < size().
    [[nodiscard]] std::string text(std::uint64_t index) const;
    /// Stable text that says which rules these are, whatever their files' names, blanks and comments.
    [[nodiscard]] std::string identity() const;
    /// For people: "64 rules of best64.rule", and how many of them hashcat passes over.
    [[nodiscard]] std::string description() const;
    /// How many rules hashcat would pass over in their -r files; see Rule::beyond_hashcat.
    [[nodiscard]] std::uint64_t beyond_hashcat() const noexcept { return beyond_hashcat_; }

private:
    /// The rules of one file, packed: rule i is steps[ends[i-1] … ends[i]).
    struct File {
        std::vector<RuleStep> steps;
        std::vector<std::uint32_t> ends;
        RulePlace place{RulePlace::file};
        std::string name;
        std::string sha256;
    };
    [[nodiscard]] static RuleSet of_file(File file, std::uint64_t beyond_hashcat);

    std::vector<std::shared_ptr<const File>> files_;
    std::uint64_t size_{1};
    std::uint64_t beyond_hashcat_{0};
};

/// Every word with every rule: candidate number = word * rules.size() + rule.  A word that a rule rejects, and every
/// rule of a rejected word, is a rejected candidate.
/// Open-ended words stay open-ended.  Errors: invalid_argument (more than 2^64 candidates; no rule).
[[nodiscard]] Result<KeyspacePtr> make_rules(KeyspacePtr words, RuleSet rules);

} // namespace salvage::password
