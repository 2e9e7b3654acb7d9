// Rules: what each function does, what a rule file says, and how words and rules are numbered.
#include <algorithm>
#include <limits>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "combine_support.hpp"
#include "salvage/password/rules.hpp"
#include "support/files.hpp"

namespace salvage::password {
namespace {

using salvage::test::fails_with;
using salvage::test::is_ok;
using salvage::test::TemporaryFolder;
using test::in_pieces_by_threads;
using test::Words;
using test::words_of;

/// What `rule` makes of `word`; nothing where it rejects it.
std::optional<std::string> applied(std::string_view rule, std::string word, RulePlace place = RulePlace::file)
{
    const auto parsed = Rule::parse(rule, place);
    EXPECT_TRUE(is_ok(parsed)) << rule;
    return parsed.has_value() && parsed->apply(word) ? std::optional{word} : std::nullopt;
}

std::optional<std::string> at_side(std::string_view rule, std::string word)
{
    return applied(rule, std::move(word), RulePlace::side);
}

struct Example {
    std::string_view rule;
    std::string_view word;
    std::string_view result;
};
using Examples = std::vector<Example>;

void expect_all(const Examples& examples)
{
    for (const auto& [rule, word, result] : examples) {
        EXPECT_EQ(applied(rule, std::string{word}), result) << rule << " on " << word;
    }
}

TEST(Rule, ChangesCase)
{
    expect_all({{":", "p@ssW0rd", "p@ssW0rd"},
                {"l", "p@ssW0rd", "p@ssw0rd"},
                {"u", "p@ssW0rd", "P@SSW0RD"},
                {"c", "p@ssW0rd", "P@ssw0rd"},
                {"C", "p@ssW0rd", "p@SSW0RD"},
                {"t", "p@ssW0rd", "P@SSw0RD"},
                {"T3", "p@ssW0rd", "p@sSW0rd"},
                {"T8", "p@ssW0rd", "p@ssW0rd"},
                {"E", "one tWO  three", "One Two  Three"},
                {"e-", "one-tWO three", "One-Two three"},
                {"30-", "one-two-three", "one-Two-three"},
                {"31-", "one-two-three", "one-two-Three"},
                {"32-", "one-two-three", "one-two-three"},
                {"30-", "one-", "one-"}});
}

TEST(Rule, KnowsNoLettersBeyondAscii)
{
    expect_all({{"u", "gr\xC3\xB6\xDF", "GR\xC3\xB6\xDF"}, {"t", "\xE4\xC4", "\xE4\xC4"}, {"l", "@[`{", "@[`{"}});
}

TEST(Rule, RepeatsAndTurnsRound)
{
    expect_all({{"r", "abc", "cba"},     {"d", "abc", "abcabc"}, {"p2", "abc", "abcabcabc"}, {"p0", "abc", "abc"},
                {"f", "abc", "abccba"},  {"{", "abc", "bca"},    {"}", "abc", "cab"},        {"{", "a", "a"},
                {"}", "", ""},           {"z2", "abc", "aaabc"}, {"Z2", "abc", "abccc"},     {"z2", "", ""},
                {"q", "abc", "aabbcc"},  {"y2", "abc", "ababc"}, {"Y2", "abc", "abcbc"},     {"y4", "abc", "abc"},
                {"Y3", "abc", "abcabc"}, {"k", "abc", "bac"},    {"K", "abc", "acb"},        {"k", "a", "a"},
                {"*02", "abc", "cba"},   {"*03", "abc", "abc"}});
}

TEST(Rule, PutsBytesInAndTakesThemOut)
{
    expect_all(
        {{"$1", "abc", "abc1"},   {"^1", "abc", "1abc"}, {"$1 $2", "", "12"},   {"[", "abc", "bc"},
         {"]", "abc", "ab"},      {"[", "", ""},         {"]", "", ""},         {"D1", "abc", "ac"},
         {"D3", "abc", "abc"},    {"x12", "abcd", "bc"}, {"x13", "abc", "abc"}, {"x10", "abc", ""},
         {"x30", "abc", "abc"},   {"O12", "abcd", "ad"}, {"O13", "abc", "abc"}, {"i1-", "abc", "a-bc"},
         {"i3-", "abc", "abc-"},  {"i4-", "abc", "abc"}, {"o1-", "abc", "a-c"}, {"o3-", "abc", "abc"},
         {"'2", "abc", "ab"},     {"'3", "abc", "abc"},  {"'0", "abc", ""},     {"sab", "aXa", "bXb"},
         {"@a", "banana", "bnn"}, {"$ ", "abc", "abc "}, {"s a", "a b", "aab"}, {"DA", "0123456789ab", "0123456789b"}});
}

TEST(Rule, CountsWithBytes)
{
    expect_all({{"+0", "abc", "bbc"},
                {"-0", "bbc", "abc"},
                {"+0", "\xFF", std::string_view{"\0", 1}},
                {"-0", std::string_view{"\0", 1}, "\xFF"},
                {"L0", "1b", "bb"},
                {"R0", "bb", "1b"},
                {"R0", "\xE4", "\x72"},
                {"L0", "\xE4", "\xC8"},
                {".0", "abc", "bbc"},
                {".2", "abc", "abc"},
                {",1", "abc", "aac"},
                {",0", "abc", "abc"},
                {",3", "abc", "abc"},
                {"+3", "abc", "abc"}});
}

TEST(Rule, TakesCharactersInHex)
{
    expect_all({{"$\\x41", "a", "aA"},
                {"s\\x61\\xE4", "aba",
                 "\xE4"
                 "b\xE4"},
                {"i1\\x00", "ab", std::string_view{"a\0b", 3}},
                {"$\\ $x", "a", "a\\x"}});
}

TEST(Rule, IsAChainFromLeftToRight)
{
    expect_all({{"c $1 $2 $3", "password", "Password123"},
                {"  l   $!", "ABC", "abc!"},
                {"$1r", "abc", "1cba"},
                {"", "abc", "abc"},
                {"   ", "abc", "abc"}});
}

TEST(Rule, ThatWouldGrowAWordTooLongDoesNothing)
{
    const std::string longest(rule_growth_limit - 1, 'w');
    for (const auto* const rule : {"$1", "^1", "d", "p1", "f", "z1", "Z1", "q", "y1", "Y1", "i01"}) {
        EXPECT_EQ(applied(rule, longest), longest) << rule;
    }
    EXPECT_EQ(applied("$1", longest.substr(1)), longest.substr(1) + "1");
    EXPECT_EQ(applied("d", std::string(127, 'a')), std::string(254, 'a'));
    EXPECT_EQ(applied("d", std::string(128, 'a')), std::string(128, 'a'));
    EXPECT_EQ(applied("p0", std::string(1024, 'a')), std::string(1024, 'a'));
}

TEST(Rule, ShortensLongWordsAllTheSame)
{
    EXPECT_EQ(applied("]", std::string(300, 'a')), std::string(299, 'a'));
    EXPECT_EQ(applied("u", std::string(300, 'a')), std::string(300, 'A'));
    EXPECT_EQ(applied("E", std::string(256, 'a')), std::string(256, 'a'));
    EXPECT_EQ(applied("E", std::string(255, 'a')), "A" + std::string(254, 'a'));
}

TEST(Rule, Rejects)
{
    struct Case {
        std::string_view rule;
        std::string_view passes;
        std::string_view rejected;
    };
    for (const auto& [rule, passes, rejected] : std::vector<Case>{{"<3", "abc", "abcd"},
                                                                  {">3", "abc", "ab"},
                                                                  {"_3", "abc", "abcd"},
                                                                  {"!b", "acd", "abc"},
                                                                  {"/b", "abc", "acd"},
                                                                  {"(a", "abc", "bac"},
                                                                  {"(a", "a", ""},
                                                                  {")c", "abc", "acb"},
                                                                  {")c", "c", ""},
                                                                  {"=1b", "abc", "acb"},
                                                                  {"=1b", "ab", "b"},
                                                                  {"%2a", "aba", "abb"},
                                                                  {"%2a", "xaa", "aa"},
                                                                  {"M u Q", "a", "A"}}) {
        EXPECT_EQ(at_side(rule, std::string{passes}).has_value(), true) << rule << " on " << passes;
        EXPECT_EQ(at_side(rule, std::string{rejected}), std::nullopt) << rule << " on " << rejected;
        EXPECT_EQ(applied(rule, std::string{rejected}), std::nullopt) << "in a file: " << rule;
    }
}

TEST(Rule, RejectsByTheWordAsItIsByThen)
{
    EXPECT_EQ(at_side("] !c", "abc"), "ab");
    EXPECT_EQ(at_side("$1 >4", "abc"), "abc1");
    EXPECT_EQ(at_side(">4 $1", "abc"), std::nullopt);
}

TEST(Rule, Memorizes)
{
    EXPECT_EQ(at_side("M u 4", "abc"), "ABCabc");
    EXPECT_EQ(at_side("M u 6", "abc"), "abcABC");
    EXPECT_EQ(at_side("M r X121", "abcd"), "dbccba");
    EXPECT_EQ(at_side("M X022 X022", "abc"), "ababab"
                                             "c");
    EXPECT_EQ(at_side("M X024", "abc"), std::nullopt) << "beyond the word";
    EXPECT_EQ(at_side("M X220", "abc"), std::nullopt) << "beyond the memory";
    EXPECT_EQ(at_side("M X000", "abc"), std::nullopt) << "nothing to insert";
    EXPECT_EQ(at_side("M 4", ""), std::nullopt);
    EXPECT_EQ(at_side("M 4", std::string(128, 'a')), std::nullopt);
    EXPECT_EQ(at_side("M 4", std::string(127, 'a')), std::string(254, 'a'));
    EXPECT_EQ(at_side("M X010", std::string(255, 'a')), std::string(256, 'a')) << "the last byte, too";
    EXPECT_EQ(at_side("M X020", std::string(255, 'a')), std::nullopt);
}

TEST(Rule, FindsAPlaceForLater)
{
    EXPECT_EQ(at_side("/b Dp", "abc"), "ac");
    EXPECT_EQ(at_side("%2b 'p", "ab-b-b"), "ab-");
    EXPECT_EQ(at_side("/z Dp", "abc"), std::nullopt);
    EXPECT_EQ(at_side("%0z Dp", "abc"), std::nullopt) << "nothing was found";
}

TEST(Rule, ReadsThreeFunctionsDifferentlyAtASide)
{
    EXPECT_EQ(applied("ea", "aab"), "AAB");
    EXPECT_EQ(at_side("ea", "aab"), "AaB");
    EXPECT_EQ(applied("eA", "xAy"), "XaY");
    EXPECT_EQ(at_side("eA", "xAy"), "XAY");
    EXPECT_EQ(applied("30a", "aab"), "aAb");
    EXPECT_EQ(at_side("30a", "aab"), "aaB");
    EXPECT_EQ(at_side("R0", "\xE4"), "\xF2");
}

TEST(Rule, AtASideTakesNoLongWords)
{
    EXPECT_EQ(at_side("u", std::string(255, 'a')), std::string(255, 'A'));
    EXPECT_EQ(at_side("u", std::string(256, 'a')), std::nullopt);
    EXPECT_EQ(at_side(":", std::string(256, 'a')), std::string(256, 'a'));
}

/// The error of a rule: what it says, and at which byte.
void expect_refused(std::string_view rule, std::uint64_t at, std::string_view says)
{
    const auto parsed = Rule::parse(rule, RulePlace::file);
    ASSERT_TRUE(fails_with(parsed, ErrorCode::malformed)) << rule;
    ASSERT_TRUE(parsed.error().where.has_value());
    EXPECT_EQ(parsed.error().where->chain.front().at.value, at) << rule;
    EXPECT_NE(to_string(parsed.error()).find(says), std::string::npos) << to_string(parsed.error());
}

TEST(Rule, ThatIsWrongNamesTheFunctionAndWhatItTakes)
{
    expect_refused("c a", 2, "'a' is no function");
    expect_refused("$1 # comment", 3, "first column");
    expect_refused("c T", 3, "'T' lacks its position");
    expect_refused("i3", 2, "it takes a position (0-9, A-Z) and a character");
    expect_refused("c $", 3, "'$' lacks its character");
    expect_refused("sa", 2, "'s' lacks its character");
    expect_refused("x1a", 2, "'a' is no position for 'x'");
    expect_refused("D\\x31", 1, "no position");
    expect_refused("Dp /a", 1, "put one of them before");
    expect_refused("u 4", 2, "put an M before it");
    expect_refused("Q", 0, "put an M before it");
    expect_refused("\tc", 0, "\\x09");
}

TEST(Rule, ThatIsTooLongIsRefused)
{
    std::string most;
    for (std::size_t i = 0; i < max_rule_functions; ++i) {
        most += ":";
    }
    EXPECT_TRUE(is_ok(Rule::parse(most, RulePlace::file)));
    EXPECT_TRUE(fails_with(Rule::parse(most + "u", RulePlace::file), ErrorCode::malformed));
    EXPECT_TRUE(is_ok(Rule::parse(std::string(max_rule_line_bytes, ' '), RulePlace::file)));
    EXPECT_TRUE(
        fails_with(Rule::parse(std::string(max_rule_line_bytes + 1, ' '), RulePlace::file), ErrorCode::malformed));
}

TEST(Rule, SaysWhatHashcatWouldNotTake)
{
    const auto beyond = [](std::string_view rule, RulePlace place) {
        return Rule::parse(rule, place).unwrap().beyond_hashcat();
    };
    EXPECT_EQ(beyond("c $1", RulePlace::file), std::nullopt);
    EXPECT_EQ(beyond("c >3 $1", RulePlace::file), '>');
    EXPECT_EQ(beyond("c >3 $1", RulePlace::side), std::nullopt);
    EXPECT_EQ(beyond(std::string(31, 'u'), RulePlace::file), std::nullopt);
    EXPECT_EQ(beyond(std::string(32, 'u'), RulePlace::file), 'u');
}

TEST(Rule, WrittenIsReadBackAsTheSame)
{
    std::mt19937 random{7};
    const std::string_view letters = ":lucCtTrdpf{}$^[]DxOio's@zZqkK*LR+-.,yYEe3X46M<>_!/()=%Qpa10AZ \\x\xE4";
    std::size_t good = 0;
    for (unsigned i = 0; i < 20'000; ++i) {
        std::string text;
        for (auto length = random() % 12; length > 0; --length) {
            text += letters[random() % letters.size()];
        }
        const auto rule = Rule::parse(text, RulePlace::side);
        if (rule.has_value()) {
            ++good;
            const auto again = Rule::parse(rule->text(), RulePlace::side);
            ASSERT_TRUE(is_ok(again)) << text << " written as " << rule->text();
            EXPECT_EQ(*again, *rule) << text << " written as " << rule->text();
        }
    }
    EXPECT_GT(good, 1000U);
}

TEST(RuleFile, HasARuleALine)
{
    const auto rules = RuleSet::parse("# two rules\n\nc $1\r\n#u\nu\r\r\n", "r").unwrap();
    ASSERT_EQ(rules.size(), 2U);
    EXPECT_EQ(rules.text(0), "c $1");
    EXPECT_EQ(rules.text(1), "u");
    EXPECT_EQ(rules.beyond_hashcat(), 0U);
    EXPECT_EQ(RuleSet::parse("c\n>3\nM", "r").unwrap().beyond_hashcat(), 2U);
    EXPECT_EQ(RuleSet::parse("", "r").unwrap().size(), 0U);
}

TEST(RuleFile, ThatIsWrongNamesLineAndColumn)
{
    const auto rules = RuleSet::parse("c\n# x\nu $1 i3\n", "my.rule");
    ASSERT_TRUE(fails_with(rules, ErrorCode::malformed));
    EXPECT_NE(rules.error().what.find("line 3, column 8: 'i' lacks its character"), std::string::npos)
        << to_string(rules.error());
    ASSERT_TRUE(rules.error().where.has_value());
    EXPECT_EQ(rules.error().where->chain, (std::vector<Place>{{.source = "my.rule", .at = ByteOffset{13}}}));
}

TEST(RuleFile, ThatIsWrongInManyLinesNamesThemAtOnce)
{
    const auto rules = RuleSet::parse("z\nu\nq $\n[\nx\n", "my.rule");
    ASSERT_TRUE(fails_with(rules, ErrorCode::malformed));
    EXPECT_EQ(rules.error().what.find("line 1, "), 0U) << to_string(rules.error());
    EXPECT_NE(rules.error().hint.find("2 more lines are wrong: 3, 5"), std::string::npos) << rules.error().hint;
    std::string many;
    for (unsigned i = 0; i < 100; ++i) {
        many += "z\n";
    }
    const auto hint = RuleSet::parse(many, "my.rule").error().hint;
    EXPECT_NE(hint.find("99 more lines are wrong: 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …"), std::string::npos) << hint;
}

TEST(RuleFile, IsReadFromDisk)
{
    const TemporaryFolder folder;
    const auto path = folder.write("a.rule", as_bytes("u\nl\n"));
    const auto rules = RuleSet::read(path);
    ASSERT_TRUE(is_ok(rules));
    EXPECT_EQ(rules->size(), 2U);
    EXPECT_EQ(rules->description(), "2 rules of a.rule");
    EXPECT_TRUE(fails_with(RuleSet::read(folder.path() / "none"), ErrorCode::io));
}

TEST(RuleFile, IsKnownByItsRulesWhateverTheirWriting)
{
    const auto identity = [](std::string_view text) { return RuleSet::parse(text, "any").unwrap().identity(); };
    EXPECT_EQ(identity("c $1\nu\n"), identity("# comment\n c  $1\n\nu"));
    EXPECT_NE(identity("c $1\nu\n"), identity("c $2\nu\n"));
    EXPECT_NE(identity("c $1\nu\n"), identity("c $1 u\n"));
    EXPECT_NE(identity("c\nu\n"), identity("u\nc\n"));
}

TEST(RuleFiles, AreCombinedWithTheFirstRunningFastest)
{
    const auto first = RuleSet::parse("$1\n$2\n$3", "a").unwrap();
    const auto second = RuleSet::parse("^x\nu", "b").unwrap();
    const auto both = first.combined_with(second).unwrap();
    ASSERT_EQ(both.size(), 6U);
    Words results;
    for (std::uint64_t i = 0; i < both.size(); ++i) {
        std::string word = "w";
        EXPECT_TRUE(both.apply(i, word));
        results.emplace_back(word);
    }
    EXPECT_EQ(results, (Words{"xw1", "xw2", "xw3", "W1", "W2", "W3"}));
    EXPECT_EQ(both.text(4), "$2 u");
    EXPECT_NE(both.identity(), second.combined_with(first).unwrap().identity());
}

TEST(RuleFiles, ThatAreTooManyTogetherAreRefused)
{
    std::string text;
    for (unsigned i = 0; i < 65536; ++i) {
        text += ":\n";
    }
    const auto file = RuleSet::parse(text, "a").unwrap();
    auto rules = file.combined_with(file).unwrap().combined_with(file);
    ASSERT_TRUE(is_ok(rules));
    EXPECT_EQ(rules->size(), 1ULL << 48U);
    EXPECT_TRUE(fails_with(rules->combined_with(file), ErrorCode::invalid_argument));
    const auto words = make_list({"a"}, "a list");
    EXPECT_TRUE(is_ok(make_rules(words, *rules)));
    const auto many = make_list(std::vector<std::string>(65536, "a"), "a list");
    EXPECT_TRUE(fails_with(make_rules(many, *rules), ErrorCode::invalid_argument));
}

KeyspacePtr some_words(std::size_t count)
{
    std::vector<std::string> words;
    for (std::size_t i = 0; i < count; ++i) {
        words.push_back(fmt::format("word{}", i));
    }
    return make_list(std::move(words), "some words");
}

TEST(Rules, NumberWordsFirstThenRules)
{
    const auto keyspace =
        make_rules(make_list({"ab", "cde"}, "two"), RuleSet::parse(":\nu\n_2\n$1", "r").unwrap()).unwrap();
    EXPECT_EQ(keyspace->size().value, 8U);
    EXPECT_EQ(words_of(*keyspace), (Words{"ab", "AB", "ab", "ab1", "cde", "CDE", std::nullopt, "cde1"}));
}

TEST(Rules, CoverEveryCandidateOnceHoweverTheyAreSplit)
{
    for (const std::size_t rule_count : {1U, 3U, 700U}) {
        std::string text;
        for (std::size_t i = 0; i < rule_count; ++i) {
            text += i % 5 == 1 ? "<4\n" : fmt::format("$- ${} T{}\n", static_cast<char>('a' + i % 26), i % 9);
        }
        const auto rules = RuleSet::parse(text, "r").unwrap();
        const auto words = some_words(600);
        const auto keyspace = make_rules(words, rules).unwrap();
        ASSERT_EQ(keyspace->size().value, 600 * rule_count);
        Words expected;
        for (std::size_t word = 0; word < 600; ++word) {
            for (std::size_t rule = 0; rule < rule_count; ++rule) {
                auto made = fmt::format("word{}", word);
                const bool is_taken = rules.apply(rule, made);
                expected.push_back(is_taken ? std::optional{made} : std::nullopt);
            }
        }
        for (const std::uint64_t seed : {1U, 2U, 3U}) {
            EXPECT_EQ(in_pieces_by_threads(*keyspace, expected.size(), 2000, seed), expected) << rule_count;
        }
    }
}

TEST(Rules, HaveNothingBeyondTheirEnd)
{
    const auto keyspace = make_rules(some_words(3), RuleSet::parse("u\nl", "r").unwrap()).unwrap();
    std::vector<Candidate> block(4);
    EXPECT_TRUE(fails_with(keyspace->candidates(3, block), ErrorCode::internal));
    EXPECT_TRUE(is_ok(keyspace->candidates(2, block)));
    EXPECT_TRUE(fails_with(candidate_at(*keyspace, 6), ErrorCode::internal));
}

TEST(Rules, ThatAreNoneAreRefused)
{
    EXPECT_TRUE(
        fails_with(make_rules(some_words(3), RuleSet::parse("# none\n", "r").unwrap()), ErrorCode::invalid_argument));
    EXPECT_EQ(words_of(*make_rules(some_words(1), RuleSet{}).unwrap()), (Words{"word0"}));
}

TEST(Rules, SayWhatTheyAre)
{
    const auto rules = RuleSet::parse("u\nl", "a.rule").unwrap();
    const auto keyspace = make_rules(some_words(3), rules).unwrap();
    EXPECT_EQ(keyspace->description(), "some words, with 2 rules of a.rule");
    const auto beyond = RuleSet::parse("u\n>3\nM 4", "b.rule").unwrap();
    EXPECT_EQ(beyond.description(), "3 rules of b.rule (2 that hashcat passes over)");
    EXPECT_EQ(rules.combined_with(beyond).unwrap().description(),
              "2 rules of a.rule combined with 3 rules of b.rule (2 that hashcat passes over)");
    EXPECT_NE(keyspace->identity().find(rules.identity()), std::string::npos);
    EXPECT_EQ(make_rules(make_list({"1"}, "", "pattern-digits"), rules).unwrap()->encoding(1), "pattern-digits");
}

} // namespace
} // namespace salvage::password
