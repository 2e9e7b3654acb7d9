// For the judge hashcat_rules.py: prints what our rules and combinations make of word lists, a candidate a line, as
// `hashcat --stdout` does.  Options carry hashcat's names: -r FILE…, -j RULE, -k RULE, WORDS [RIGHT_WORDS].
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "print_keyspace.hpp"
#include "salvage/password/combine.hpp"
#include "salvage/password/rules.hpp"

namespace {

using namespace salvage;
using namespace salvage::password;

struct Options {
    std::vector<std::string> rule_files;
    std::optional<Rule> left_rule;
    std::optional<Rule> right_rule;
    std::vector<std::string> words;
};

Result<Options> parse_options(std::span<char*> arguments)
{
    Options out;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string_view option = arguments[i];
        const bool has_value = option == "-r" || option == "-j" || option == "-k";
        if (!has_value) {
            out.words.emplace_back(option);
            continue;
        }
        if (++i == arguments.size()) {
            return invalid_argument("an option lacks its value", option);
        }
        const std::string_view value = arguments[i];
        if (option == "-r") {
            out.rule_files.emplace_back(value);
        } else {
            auto& rule = option == "-j" ? out.left_rule : out.right_rule;
            rule = SALVAGE_TRY(Rule::parse(value, RulePlace::side));
        }
    }
    return out;
}

Result<KeyspacePtr> make_keyspace(const Options& options)
{
    if (options.words.empty() || options.words.size() > 2) {
        return invalid_argument("one word list is needed, or two");
    }
    auto words = SALVAGE_TRY(make_wordlist(options.words.front()));
    if (options.words.size() == 2) {
        auto right = SALVAGE_TRY(make_wordlist(options.words.back()));
        return make_combinator(std::move(words), std::move(right),
                               {.left_rule = options.left_rule, .right_rule = options.right_rule});
    }
    RuleSet rules = options.left_rule ? RuleSet::of(*options.left_rule) : RuleSet{};
    for (const auto& path : options.rule_files) {
        const auto next = SALVAGE_TRY(RuleSet::read(path));
        rules = SALVAGE_TRY(rules.combined_with(next));
    }
    return make_rules(std::move(words), std::move(rules));
}

Result<> run(std::span<char*> arguments)
{
    const auto options = SALVAGE_TRY(parse_options(arguments));
    const auto keyspace = SALVAGE_TRY(make_keyspace(options));
    return judges::print_all(*keyspace);
}

} // namespace

int main(int argc, char** argv)
{
    const auto done = run(std::span{argv, static_cast<std::size_t>(argc)}.subspan(1));
    if (!done.has_value()) {
        std::fprintf(stderr, "%s\n", to_string(done.error()).c_str());
        return 1;
    }
    return 0;
}
