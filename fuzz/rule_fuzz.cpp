// Rules: any text parses or is refused at a place within it; what parses is read back from its own writing, and makes
// no word too long of any word.
#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "require.hpp"
#include "salvage/core/bytes.hpp"
#include "salvage/password/rules.hpp"

namespace {

using namespace salvage;
using namespace salvage::password;
using fuzz::require;

void check_rule(std::string_view text, std::string_view word, RulePlace place)
{
    const auto rule = Rule::parse(text, place);
    if (!rule.has_value()) {
        require(rule.error().where.has_value() && rule.error().where->chain.front().at.value <= text.size());
        return;
    }
    require(!rule->steps().empty() && rule->steps().size() <= max_rule_functions);
    const auto again = Rule::parse(rule->text(), place);
    require(again.has_value() && *again == *rule);
    std::string first{word};
    std::string second{word};
    const bool is_taken = rule->apply(first);
    require(again->apply(second) == is_taken);
    require(!is_taken || (first == second && first.size() <= std::max(word.size(), rule_growth_limit)));
}

} // namespace

/// A word up to the first line end; a rule file after it.
// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    constexpr std::size_t most_bytes = 1U << 14U; // longer ones say nothing new
    const auto text = as_text(std::as_bytes(std::span{data, std::min(size, most_bytes)}));
    const auto end = std::min(text.find('\n'), text.size());
    const auto word = text.substr(0, std::min(end, max_word_bytes));
    const auto file = text.substr(std::min(end + 1, text.size()));
    const auto line = file.substr(0, file.find('\n'));
    for (const auto place : {RulePlace::file, RulePlace::side}) {
        check_rule(line, word, place);
    }
    const auto rules = RuleSet::parse(file, "fuzz");
    if (!rules.has_value()) {
        return 0;
    }
    const auto both = rules->combined_with(*rules);
    require(both.has_value());
    for (std::uint64_t i = 0; i < std::min<std::uint64_t>(both->size(), 64); ++i) {
        std::string made{word};
        require(!both->apply(i, made) || made.size() <= max_word_bytes);
        require(RuleSet::parse(both->text(i), "again").has_value() || both->text(i).size() > max_rule_functions);
    }
    return 0;
}
