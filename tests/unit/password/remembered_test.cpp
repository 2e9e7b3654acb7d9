// Half-remembered passwords and patterns, each beside a plain enumeration that knows nothing of the numbering.
#include "salvage/password/remembered.hpp"

#include <algorithm>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "salvage/password/mask.hpp"
#include "split_support.hpp"

namespace salvage::password {
namespace {

using salvage::test::fails_with;
using salvage::test::is_ok;
using test::all_of;
using test::at_once;
using test::expect_every_split_covers_each_once;

using Texts = std::vector<std::string>;

Texts all_of_template(const std::string& text)
{
    const auto made = make_remembered({.text = text});
    EXPECT_TRUE(is_ok(made)) << text;
    return made.has_value() ? all_of(**made) : Texts{};
}

struct TemplateCase {
    const char* text;
    Texts expected;
};
class Template : public ::testing::TestWithParam<TemplateCase> {};

TEST_P(Template, DescribesTheseInThisOrder)
{
    EXPECT_EQ(all_of_template(GetParam().text), GetParam().expected);
}
INSTANTIATE_TEST_SUITE_P(
    Remembered, Template,
    ::testing::Values(TemplateCase{"Sommer", {"Sommer"}}, TemplateCase{"wh[ao]t??", {"what?", "whot?"}},
                      TemplateCase{"(b|a)[21]", {"b2", "b1", "a2", "a1"}}, TemplateCase{"a{2}", {"aa"}},
                      TemplateCase{"a{0,2}", {"", "a", "aa"}},
                      TemplateCase{"xa{1,2}[yz]{0,1}", {"xa", "xaa", "xay", "xaz", "xaay", "xaaz"}},
                      TemplateCase{"ab|c", {"c", "ab"}}, // shorter ones first
                      TemplateCase{"(um|)lauf", {"lauf", "umlauf"}}, TemplateCase{"<aB>", {"aB", "ab", "AB", "Ab"}},
                      TemplateCase{"<a(b|[c1])>", {"ab", "aB", "ac", "aC", "a1", "Ab", "AB", "Ac", "AC", "A1"}},
                      TemplateCase{"[a-c]", {"a", "b", "c"}}, TemplateCase{"[-a]", {"-", "a"}},
                      TemplateCase{"[a-]", {"a", "-"}}, TemplateCase{"[\\]\\\\?\?]", {"]", "\\", "?"}},
                      TemplateCase{"\\(\\{\\<\\|\\>\\}\\)\\?", {"({<|>})?"}},
                      TemplateCase{"(a|ab)(c|bc)", {"ac", "abc", "abbc"}}, // abc comes once
                      TemplateCase{"(a|a|a)", {"a"}}, TemplateCase{"a{0,1}a{0,1}", {"", "a", "aa"}},
                      TemplateCase{"()x()", {"x"}}, TemplateCase{"(|){64}", {""}},
                      TemplateCase{"\xC3\xA4{2}", {"\xC3\xA4\xC3\xA4"}}, // a letter of two bytes is repeated whole
                      TemplateCase{"[\xC3\xA4o]\xFF", {"o\xFF", "\xC3\xA4\xFF"}}));

TEST(Remembered, IsASupersetOfMasks)
{
    const CustomCharsets charsets{"xyz", "?1?d", "", ""};
    for (const auto* const text : {"?d?d", "Sommer?d", "?1a?2", "?s??", "?a?h", "?H?u?l"}) {
        EXPECT_EQ(all_of(*make_remembered({.text = text, .charsets = charsets}).unwrap()),
                  all_of(*make_mask({.mask = text, .charsets = charsets}).unwrap()))
            << text;
    }
}

/// Random templates and everything they describe, by writing it down.
class RandomTemplate {
public:
    explicit RandomTemplate(std::uint64_t seed) : random_{seed} {}

    struct Both {
        std::string text;
        std::set<std::string> all;
    };

    /// Describes so much that nothing of `all` is true.
    [[nodiscard]] bool is_too_large() const { return is_too_large_; }

    Both make(unsigned depth)
    {
        Both out{.text = {}, .all = {""}};
        const auto items = pick(3) + 1;
        for (unsigned i = 0; i < items; ++i) {
            const auto next = depth == 0 ? letter() : repeated(item(depth));
            out.text += next.text;
            out.all = joined(out.all, next.all);
        }
        return out;
    }

private:
    unsigned pick(unsigned count) { return static_cast<unsigned>(random_() % count); }

    std::set<std::string> joined(const std::set<std::string>& first, const std::set<std::string>& second)
    {
        std::set<std::string> out;
        is_too_large_ = is_too_large_ || first.size() * second.size() > 3000;
        if (is_too_large_) {
            return out;
        }
        for (const auto& a : first) {
            for (const auto& b : second) {
                out.insert(a + b);
            }
        }
        return out;
    }

    Both letter()
    {
        const std::string text(1, static_cast<char>('a' + pick(3)));
        return {.text = text, .all = {text}};
    }

    Both item(unsigned depth)
    {
        switch (pick(4)) {
        case 0: return letter();
        case 1: return {.text = "[ab]", .all = {"a", "b"}};
        case 2: return {.text = "<c>", .all = {"c", "C"}};
        default: break;
        }
        const auto first = make(depth - 1);
        const auto second = make(depth - 1);
        auto all = first.all;
        all.insert(second.all.begin(), second.all.end());
        return {.text = "(" + first.text + "|" + second.text + ")", .all = all};
    }

    Both repeated(const Both& once)
    {
        const auto min = pick(3);
        const auto max = std::max(1U, min + pick(2));
        if (min == 1 && max == 1) {
            return once;
        }
        Both out{.text = fmt::format("{}{{{},{}}}", once.text, min, max), .all = {}};
        std::set<std::string> so_far{""};
        for (unsigned i = 0; i <= max; ++i) {
            if (i >= min) {
                out.all.insert(so_far.begin(), so_far.end());
            }
            so_far = joined(so_far, once.all);
        }
        return out;
    }

    std::mt19937_64 random_;
    bool is_too_large_{false};
};

TEST(Remembered, DescribesExactlyWhatWritingItDownGives)
{
    unsigned compared = 0;
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        RandomTemplate random{seed};
        const auto [text, expected] = random.make(2);
        if (random.is_too_large()) {
            continue;
        }
        auto all = all_of_template(text);
        EXPECT_TRUE(std::ranges::is_sorted(all, {}, &std::string::size)) << text;
        std::ranges::sort(all);
        EXPECT_TRUE(std::ranges::equal(all, expected)) << text;
        ++compared;
    }
    EXPECT_GT(compared, 150U);
}

TEST(Remembered, CoversEachCandidateOnceInAnySplit)
{
    for (const auto* const text : {"(Sommer|[Ww]inter)?d{0,3}!{0,1}", "<Sommer>?d", "(a|ab|b){0,8}"}) {
        expect_every_split_covers_each_once(*make_remembered({.text = text}).unwrap());
    }
}

TEST(Remembered, IsNumberedWhereAllOfItFitsIn64BitsAndRefusedBeyondWithTheCount)
{
    const auto large = make_remembered({.text = "?b{7}(?l|?u|?d|?s)"});
    ASSERT_TRUE(is_ok(large));
    EXPECT_EQ((*large)->size().value, (std::uint64_t{1} << 56U) * 95);
    EXPECT_EQ(at_once(**large, (*large)->size().value - 1, 1).front(), std::string(7, '\xFF') + "~");
    for (const auto* const text : {"?b{8}", "?b{0,8}", "(?a|x){10}", "?b{64}?b{64}?b{64}?b{64}"}) {
        const auto refused = make_remembered({.text = text});
        ASSERT_TRUE(fails_with(refused, ErrorCode::invalid_argument)) << text;
        EXPECT_NE(refused.error().why.find("e+"), std::string::npos) << refused.error().why;
    }
}

struct MistakeCase {
    const char* text;
    const char* column; ///< in the error
};
class Mistake : public ::testing::TestWithParam<MistakeCase> {};

TEST_P(Mistake, IsRefusedWithItsColumn)
{
    const auto refused = make_remembered({.text = GetParam().text});
    ASSERT_TRUE(fails_with(refused, ErrorCode::invalid_argument)) << GetParam().text;
    EXPECT_TRUE(refused.error().why.starts_with(fmt::format("column {}:", GetParam().column))) << refused.error().why;
}
INSTANTIATE_TEST_SUITE_P(Remembered, Mistake,
                         ::testing::Values(MistakeCase{"ab?", "4"}, MistakeCase{"ab?x", "4"}, MistakeCase{"a?1", "3"},
                                           MistakeCase{"a)", "2"}, MistakeCase{"a]", "2"}, MistakeCase{"a}", "2"},
                                           MistakeCase{"a>", "2"}, MistakeCase{"(a", "3"}, MistakeCase{"(a>", "3"},
                                           MistakeCase{"<a)", "3"}, MistakeCase{"[a", "3"}, MistakeCase{"[]", "2"},
                                           MistakeCase{"[z-a]", "5"}, MistakeCase{"{2}", "1"},
                                           MistakeCase{"a{2}{3}", "5"}, MistakeCase{"a{}", "3"},
                                           MistakeCase{"a{2", "4"}, MistakeCase{"a{2,1}", "6"},
                                           MistakeCase{"a{0}", "4"}, MistakeCase{"a{65}", "5"},
                                           MistakeCase{"a{99999999999}", "3"}, MistakeCase{"a{-1}", "3"},
                                           MistakeCase{"a\\", "3"}, MistakeCase{"\xC3\xA4\xC3\xA4)", "3"},
                                           MistakeCase{"((((((((((((((((((a))))))))))))))))))", "17"}));

TEST(Remembered, HasBoundsOnWhatItCosts)
{
    EXPECT_TRUE(fails_with(make_remembered({.text = ""}), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(make_remembered({.text = std::string(4097, 'a')}), ErrorCode::invalid_argument));
    EXPECT_TRUE(is_ok(make_remembered({.text = std::string(256, 'a')})));
    EXPECT_TRUE(fails_with(make_remembered({.text = std::string(257, 'a')}), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(make_remembered({.text = "((a{64}){64}){64}"}), ErrorCode::invalid_argument));
    const auto nothing = make_remembered({.text = "(((((((){64}){64}){64}){64}){64}){64}){64}"});
    EXPECT_TRUE(fails_with(nothing, ErrorCode::unsupported)); // 64^7 steps that make no text
    EXPECT_TRUE(is_ok(make_remembered({.text = "((a|b){0,4}c{0,4}){0,4}"})));
    std::string many;
    for (unsigned i = 0; i < 2000; ++i) {
        many += "a|";
    }
    const auto places = make_remembered({.text = "(" + many + "a){64}"});
    ASSERT_TRUE(fails_with(places, ErrorCode::unsupported));
    EXPECT_NE(places.error().why.find("65,536 places"), std::string::npos) << places.error().why;
    // Which of the last 17 letters were an a: each set of them is a state of its own.
    const auto states = make_remembered({.text = "[ab]{0,20}a[ab]{16}"});
    ASSERT_TRUE(fails_with(states, ErrorCode::unsupported));
    EXPECT_NE(states.error().why.find("32,768 states"), std::string::npos) << states.error().why;
}

TEST(Remembered, IsToldApartFromAnotherWithoutShowingItself)
{
    const auto one = make_remembered({.text = "Secret?d{0,2}"}).unwrap();
    const auto other = make_remembered({.text = "Secrex?d{0,2}"}).unwrap();
    EXPECT_NE(one->identity(), other->identity());
    EXPECT_EQ((one->identity() + one->description()).find("Secr"), std::string::npos);
    EXPECT_EQ(one->encoding(0), "text");
}

TEST(Remembered, HasASyntaxTextThatFitsATerminal)
{
    std::string_view rest = remembered_syntax;
    while (!rest.empty()) {
        const auto end = rest.find('\n');
        ASSERT_NE(end, std::string_view::npos);
        EXPECT_LE(end, 90U);
        rest.remove_prefix(end + 1);
    }
}

// ---- Patterns

/// Whether a pattern fits, found by trying: parts one after another, a star taking 0, 1, 2, … dots.
bool fits(const std::vector<std::string>& parts, std::size_t part, const std::string& pattern, std::size_t at)
{
    if (part == parts.size()) {
        return at == pattern.size();
    }
    if (parts[part] == "*") {
        return fits(parts, part + 1, pattern, at) || (at < pattern.size() && fits(parts, part, pattern, at + 1));
    }
    return at < pattern.size() && (parts[part] == "?" || pattern[at] == '0' + std::stoi(parts[part])) &&
           fits(parts, part + 1, pattern, at + 1);
}

std::vector<std::string> split_at_dashes(std::string_view text)
{
    std::vector<std::string> out(1);
    for (const char c : text) {
        if (c == '-') {
            out.emplace_back();
        } else {
            out.back().push_back(c);
        }
    }
    return out;
}

class KnownPattern : public ::testing::TestWithParam<const char*> {};

/// Every pattern of 3x3; written down once.
const std::vector<std::string>& every_pattern()
{
    static const auto all = at_once(*make_patterns(3, 4, 9, PatternEncoding::digits).unwrap(), 0, 389'112);
    return all;
}

TEST_P(KnownPattern, FitsExactlyThePatternsThatFit)
{
    const auto parts = split_at_dashes(GetParam());
    std::vector<std::string> expected;
    for (const auto& pattern : every_pattern()) {
        if (fits(parts, 0, pattern, 0)) {
            expected.push_back(pattern);
        }
    }
    ASSERT_FALSE(expected.empty());
    const auto made = make_remembered_pattern(GetParam(), 3, PatternEncoding::digits);
    ASSERT_TRUE(is_ok(made));
    EXPECT_EQ((*made)->size().value, expected.size());
    auto all = at_once(**made, 0, static_cast<std::size_t>((*made)->size().value));
    EXPECT_TRUE(std::ranges::is_sorted(all, {}, &std::string::size));
    std::ranges::sort(all);
    std::ranges::sort(expected);
    EXPECT_EQ(all, expected);
}
INSTANTIATE_TEST_SUITE_P(Remembered, KnownPattern,
                         ::testing::Values("1-?-?-8", "1-*", "*-9", "*-5-*", "1-*-5-*-9", "?-?-?-?", "*", "1-4-7-8-9",
                                           "*-2-?-6-*", "*-?-5-?-*", "*-*-7-*-?", "3-?-*-?-*-?", "*-1-2-3-*",
                                           "?-?-?-?-?-?-?-?-?", "2-1-3-*"));

TEST(RememberedPattern, OfEverythingIsEveryPattern)
{
    EXPECT_EQ(make_remembered_pattern("*", 3, PatternEncoding::digits).unwrap()->size().value, 389'112U);
    EXPECT_EQ(make_remembered_pattern("*", 4, PatternEncoding::digits).unwrap()->size().value, 4'350'069'823'024U);
}

TEST(RememberedPattern, CoversEachCandidateOnceInAnySplit)
{
    for (const auto& [text, side] : {std::pair{"1-?-*-8", 3U}, std::pair{"1-?-?-16", 4U}, std::pair{"1-?-?-?-25", 5U},
                                     std::pair{"1-?-?-36", 6U}, std::pair{"*-1-?-?", 4U}}) {
        const auto made = make_remembered_pattern(text, side, PatternEncoding::raw_zero);
        ASSERT_TRUE(is_ok(made)) << text;
        if ((*made)->size().value < 100'000) {
            expect_every_split_covers_each_once(**made);
        }
    }
}

TEST(RememberedPattern, GivesNothingWhereNothingIsAsked)
{
    const auto made = make_remembered_pattern("1-?-?-8", 3, PatternEncoding::digits).unwrap();
    EXPECT_EQ(made->candidates(0, {}).unwrap(), 0U);
    EXPECT_EQ(made->candidates(made->size().value, {}).unwrap(), 0U);
}

TEST(RememberedPattern, IsEncodedLikeAnyPattern)
{
    EXPECT_EQ(all_of(*make_remembered_pattern("1-4-7-8", 3, PatternEncoding::digits).unwrap()), Texts{"1478"});
    EXPECT_EQ(all_of(*make_remembered_pattern("1478", 3, PatternEncoding::digits).unwrap()), Texts{"1478"});
    const auto raw = make_remembered_pattern("1-4-7-8", 3, PatternEncoding::raw_zero).unwrap();
    EXPECT_EQ(all_of(*raw), (Texts{std::string{"\0\3\6\7", 4}}));
    EXPECT_EQ(raw->encoding(0), "pattern-raw");
    EXPECT_EQ(all_of(*make_remembered_pattern("1-2-3-4-8-12-16", 4, PatternEncoding::digits).unwrap()),
              Texts{"12348<@"});
}

TEST(RememberedPattern, IsRefusedWithoutSayingItsDots)
{
    for (const std::string text : {"", "1", "1-?-?", "1-3-2-5", "1-1-2-3", "1-2-3-0", "1-2-3-10", "1-2-3-", "-1-2-3-4",
                                   "1--2-3", "a-b-c-d", "?-?-?-?-?-?-?-?-?-?", "1-3-*-1", "1 2 3 4", "*-1-*-1-*"}) {
        const auto refused = make_remembered_pattern(text, 3, PatternEncoding::digits);
        ASSERT_TRUE(fails_with(refused, ErrorCode::invalid_argument)) << text;
        const auto told = refused.error().what + refused.error().why;
        EXPECT_TRUE(text.size() < 4 || told.find(text) == std::string::npos) << told;
    }
    EXPECT_TRUE(
        fails_with(make_remembered_pattern("1-2-3-4", 7, PatternEncoding::digits), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(make_remembered_pattern("1478", 4, PatternEncoding::digits), ErrorCode::invalid_argument));
}

TEST(RememberedPattern, ThatIsTooOpenForItsGridIsRefusedWithTheBound)
{
    const auto refused = make_remembered_pattern("1-*", 5, PatternEncoding::digits);
    ASSERT_TRUE(fails_with(refused, ErrorCode::unsupported));
    EXPECT_NE(refused.error().why.find("1,500,000"), std::string::npos) << refused.error().why;
    EXPECT_TRUE(is_ok(make_remembered_pattern("1-?-?-?-?-36", 6, PatternEncoding::digits)));
    const auto* const nearly_known = "1-2-3-4-5-10-15-20-25-24-23-22-21-16-11-*";
    EXPECT_TRUE(is_ok(make_remembered_pattern(nearly_known, 5, PatternEncoding::digits)));
}

TEST(RememberedPattern, IsToldApartFromAnother)
{
    const auto one = make_remembered_pattern("1-?-?-8", 3, PatternEncoding::digits).unwrap();
    const auto other = make_remembered_pattern("1-?-?-6", 3, PatternEncoding::digits).unwrap();
    const auto raw = make_remembered_pattern("1-?-?-8", 3, PatternEncoding::raw_zero).unwrap();
    EXPECT_NE(one->identity(), other->identity());
    EXPECT_NE(one->identity(), raw->identity());
    EXPECT_NE(one->description(), raw->description());
}

} // namespace
} // namespace salvage::password
