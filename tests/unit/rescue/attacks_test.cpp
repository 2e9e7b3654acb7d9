// Attacks as a person names them: what each comes to, and that no option is passed over in silence.
#include "salvage/rescue/attacks.hpp"

#include <algorithm>

#include <fcntl.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::rescue {
namespace {

using test::fails_with;
using test::is_ok;
using test::TemporaryFolder;

class Attacks : public ::testing::Test {
protected:
    Attacks()
        : letters_{folder_.write("letters.txt", as_bytes("a\nb\n")).string()},
          numbers_{folder_.write("numbers.txt", as_bytes("1\n2\n3\n")).string()},
          upper_{folder_.write("upper.rule", as_bytes(":\nu\n"))},
          append_{folder_.write("append.rule", as_bytes("$!\n"))}
    {
    }

    static std::vector<std::string> candidates(const AttackSpec& spec, int stdin_descriptor = -1)
    {
        std::vector<std::string> out;
        const auto steps = make_attacks(spec, stdin_descriptor, {});
        EXPECT_TRUE(is_ok(steps));
        if (!steps.has_value()) {
            return out;
        }
        for (const auto& step : *steps) {
            const auto count = std::min<std::uint64_t>(step.keyspace->size().value, 1000);
            std::vector<password::Candidate> block(count);
            const auto got = step.keyspace->candidates(0, block).unwrap();
            for (std::size_t i = 0; i < got; ++i) {
                out.push_back(block[i].is_rejected ? "(rejected)" : block[i].bytes);
            }
        }
        return out;
    }
    static ErrorCode refusal(const AttackSpec& spec)
    {
        const auto steps = make_attacks(spec, -1, {});
        EXPECT_FALSE(steps.has_value());
        return steps.has_value() ? ErrorCode::internal : steps.error().code;
    }
    AttackSpec of(std::optional<AttackMode> mode, std::vector<std::string> words) const
    {
        AttackSpec out;
        out.mode = mode;
        out.words = std::move(words);
        return out;
    }

    TemporaryFolder folder_;
    std::string letters_;
    std::string numbers_;
    std::filesystem::path upper_;
    std::filesystem::path append_;
};

using Words = std::vector<std::string>;

TEST_F(Attacks, WordsAreAStraightAttackWithOrWithoutItsNumber)
{
    EXPECT_EQ(candidates(of({}, {letters_, numbers_})), (Words{"a", "b", "1", "2", "3"}));
    EXPECT_EQ(candidates(of(AttackMode::straight, {letters_})), (Words{"a", "b"}));
}

TEST_F(Attacks, RulesOfSeveralFilesAreMultiplied)
{
    auto spec = of({}, {letters_});
    spec.rule_files = {upper_, append_};
    EXPECT_EQ(candidates(spec), (Words{"a!", "A!", "b!", "B!"}));
    spec.rule_left = "^x";
    EXPECT_EQ(candidates(spec), (Words{"xa!", "XA!", "xb!", "XB!"}));
}

TEST_F(Attacks, TwoListsAreCombinedWithARuleForEachSide)
{
    auto spec = of(AttackMode::combinator, {letters_, numbers_});
    EXPECT_EQ(candidates(spec), (Words{"a1", "a2", "a3", "b1", "b2", "b3"}));
    spec.rule_left = "$-";
    spec.rule_right = "$.";
    EXPECT_EQ(candidates(spec).front(), "a-1.");
}

TEST_F(Attacks, MasksStandAloneOrInAFileAndCanGrow)
{
    auto spec = of(AttackMode::mask, {"x?1"});
    spec.charsets.front() = "89";
    EXPECT_EQ(candidates(spec), (Words{"x8", "x9"}));
    spec.increment = password::MaskIncrement{};
    EXPECT_EQ(candidates(spec), (Words{"x", "x8", "x9"}));
    const auto file = folder_.write("some.hcmask", as_bytes("ab,z?1\n# note\nq?d\n")).string();
    EXPECT_EQ(candidates(of(AttackMode::mask, {file})).front(), "za");
}

TEST_F(Attacks, HybridsPutTheMaskOnEitherSide)
{
    EXPECT_EQ(candidates(of(AttackMode::words_mask, {letters_, "?d"})).at(9), "a9");
    EXPECT_EQ(candidates(of(AttackMode::mask_words, {"?d", letters_})).at(1), "0b");
    EXPECT_EQ(candidates(of(AttackMode::words_mask, {letters_, numbers_, "?d"})).size(), 50U);
}

TEST_F(Attacks, StandardInputIsReadWhereADashSaysSoOrNothingIsNamed)
{
    for (const auto& words : {Words{"-"}, Words{}}) {
        const auto file = folder_.write("typed", as_bytes("typed\n$HEX[00]\n"));
        const auto descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
        EXPECT_EQ(candidates(of(AttackMode::straight, words), descriptor), (Words{"typed", std::string(1, '\0')}));
        close(descriptor);
    }
}

TEST_F(Attacks, OfPhonesComeOneAfterAnother)
{
    AttackSpec spec;
    spec.pins = "4-5";
    spec.grid = 3;
    spec.dates = "1990";
    spec.remembered = {"x?d"};
    const auto steps = make_attacks(spec, -1, {}).unwrap();
    Words names;
    std::ranges::transform(steps, std::back_inserter(names), &SearchStep::name);
    EXPECT_EQ(names, (Words{"4-digit PIN", "5-digit PIN", "3x3 pattern", "3x3 pattern, raw", "dates",
                            "half remembered password"}));
    EXPECT_EQ(steps[3].keyspace->encoding(0), "pattern-raw");
    spec = {};
    spec.pattern = "1-2-3-?";
    const auto dots = candidates(spec);
    EXPECT_EQ(std::ranges::count(dots, "1236"), 1);
    EXPECT_EQ(std::ranges::count(dots, std::string("\0\1\2\5", 4)), 1);
}

TEST_F(Attacks, AnOptionThatWouldBePassedOverIsRefused)
{
    auto rules_with_mask = of(AttackMode::mask, {"?d"});
    rules_with_mask.rule_files = {upper_};
    EXPECT_EQ(refusal(rules_with_mask), ErrorCode::invalid_argument);
    AttackSpec rules_alone;
    rules_alone.pins = "4";
    rules_alone.rule_files = {upper_};
    EXPECT_EQ(refusal(rules_alone), ErrorCode::invalid_argument);
    auto right_rule = of({}, {letters_});
    right_rule.rule_right = "u";
    EXPECT_EQ(refusal(right_rule), ErrorCode::invalid_argument);
    auto grown_words = of({}, {letters_});
    grown_words.increment = password::MaskIncrement{};
    EXPECT_EQ(refusal(grown_words), ErrorCode::invalid_argument);
    auto side_of_mask = of(AttackMode::mask, {"?d"});
    side_of_mask.rule_left = "u";
    EXPECT_EQ(refusal(side_of_mask), ErrorCode::invalid_argument);
}

TEST_F(Attacks, WithTheWrongNumberOfListsOrNoMaskAreRefused)
{
    EXPECT_EQ(refusal(of(AttackMode::combinator, {letters_})), ErrorCode::invalid_argument);
    EXPECT_EQ(refusal(of(AttackMode::combinator, {letters_, letters_, letters_})), ErrorCode::invalid_argument);
    EXPECT_EQ(refusal(of(AttackMode::mask, {})), ErrorCode::invalid_argument);
    EXPECT_EQ(refusal(of(AttackMode::words_mask, {"?d"})), ErrorCode::invalid_argument);
    EXPECT_EQ(refusal(of(AttackMode::mask_words, {"?d"})), ErrorCode::invalid_argument);
    EXPECT_EQ(refusal(of(AttackMode::mask, {"?z"})), ErrorCode::invalid_argument);
    EXPECT_EQ(refusal(of({}, {"no such list"})), ErrorCode::io);
}

TEST_F(Attacks, NamedWrongAreRefused)
{
    for (const auto* const pins : {"x", "4-", "6-4", "3", "17", "4-6x"}) {
        AttackSpec spec;
        spec.pins = pins;
        EXPECT_EQ(refusal(spec), ErrorCode::invalid_argument) << pins;
    }
    AttackSpec years;
    years.dates = "yesterday";
    EXPECT_EQ(refusal(years), ErrorCode::invalid_argument);
    AttackSpec dots;
    dots.pattern = "1-1";
    EXPECT_EQ(refusal(dots), ErrorCode::invalid_argument);
    EXPECT_TRUE(AttackSpec{}.is_empty());
}

TEST(PinRange, IsOneNumberOrTwo)
{
    EXPECT_EQ(parse_pin_range("4").unwrap().max, 4U);
    EXPECT_EQ(parse_pin_range("4-6").unwrap().max, 6U);
    EXPECT_TRUE(fails_with(parse_pin_range(""), ErrorCode::invalid_argument));
}

} // namespace
} // namespace salvage::rescue
