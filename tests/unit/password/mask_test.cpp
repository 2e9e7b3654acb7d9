// Masks: what each element stands for, in which order, and what is refused.
#include "salvage/password/mask.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "split_support.hpp"
#include "support/files.hpp"

namespace salvage::password {
namespace {

using salvage::test::fails_with;
using salvage::test::is_ok;
using test::all_of;
using test::expect_every_split_covers_each_once;
using test::one_by_one;

using Texts = std::vector<std::string>;

Texts all_of_mask(const MaskSpec& spec)
{
    const auto made = make_mask(spec);
    EXPECT_TRUE(is_ok(made)) << spec.mask;
    return made.has_value() ? all_of(**made) : Texts{};
}

/// A file of that name, gone at the end.
class NamedFile {
public:
    NamedFile(std::string_view name, std::string_view content) : path_{folder_.write(name, as_bytes(content)).string()}
    {
    }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    salvage::test::TemporaryFolder folder_;
    std::string path_;
};

struct BuiltInCase {
    const char* mask;
    std::string bytes;
};
class BuiltInCharset : public ::testing::TestWithParam<BuiltInCase> {};

TEST_P(BuiltInCharset, HoldsTheseBytesInThisOrder)
{
    std::string joined;
    for (const auto& candidate : all_of_mask({.mask = GetParam().mask})) {
        joined += candidate;
    }
    EXPECT_EQ(joined, GetParam().bytes);
}
const std::string lower = "abcdefghijklmnopqrstuvwxyz";
const std::string upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const std::string special = " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
INSTANTIATE_TEST_SUITE_P(Mask, BuiltInCharset,
                         ::testing::Values(BuiltInCase{"?l", lower}, BuiltInCase{"?u", upper},
                                           BuiltInCase{"?d", "0123456789"}, BuiltInCase{"?h", "0123456789abcdef"},
                                           BuiltInCase{"?H", "0123456789ABCDEF"}, BuiltInCase{"?s", special},
                                           BuiltInCase{"?a", lower + upper + "0123456789" + special},
                                           BuiltInCase{"??", "?"}, BuiltInCase{"x", "x"}));

TEST(Mask, HasEveryByteUnderB)
{
    const auto all = all_of_mask({.mask = "?b"});
    ASSERT_EQ(all.size(), 256U);
    for (std::size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(all[i], std::string(1, static_cast<char>(i)));
    }
}

TEST(Mask, TurnsItsLastPlaceFastest)
{
    EXPECT_EQ(all_of_mask({.mask = "?1x?2", .charsets = {"ab", "10"}}), (Texts{"ax1", "ax0", "bx1", "bx0"}));
}

TEST(Mask, TakesACustomCharsetInTheOrderOfWritingWithoutRepeats)
{
    EXPECT_EQ(all_of_mask({.mask = "?1", .charsets = {"cabca"}}), (Texts{"c", "a", "b"}));
    EXPECT_EQ(all_of_mask({.mask = "?1", .charsets = {"9?d"}}).front(), "9");
    EXPECT_EQ(all_of_mask({.mask = "?1", .charsets = {"9?d"}}).size(), 10U);
}

TEST(Mask, LetsACharsetUseThoseOfLowerNumbers)
{
    EXPECT_EQ(all_of_mask({.mask = "?4", .charsets = {"a", "?1b", "?2c", "?3??"}}), (Texts{"a", "b", "c", "?"}));
    EXPECT_TRUE(fails_with(make_mask({.mask = "?1", .charsets = {"?2", "a"}}), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(make_mask({.mask = "?1", .charsets = {"?1"}}), ErrorCode::invalid_argument));
}

TEST(Mask, ReadsHexCharsetsAndHexLiterals)
{
    EXPECT_EQ(all_of_mask({.mask = "4a?1", .charsets = {"c3A4"}, .notation = MaskNotation::hex}),
              (Texts{"J\xC3", "J\xA4"}));
    EXPECT_EQ(all_of_mask({.mask = "3f64", .notation = MaskNotation::hex}), (Texts{"?d"}));
    EXPECT_EQ(all_of_mask({.mask = "?\?41", .notation = MaskNotation::hex}), (Texts{"?A"}));
    for (const auto* const mask : {"4", "4g", "zz", "41 4", " 41", "4?d"}) {
        EXPECT_TRUE(fails_with(make_mask({.mask = mask, .notation = MaskNotation::hex}), ErrorCode::invalid_argument))
            << mask;
    }
}

TEST(Mask, ReadsACharsetFileAsItsBytes)
{
    const NamedFile file{"letters.hcchr", "?d\xE4\r\n"};
    EXPECT_EQ(all_of_mask({.mask = "?1", .charsets = {file.path()}}), (Texts{"?", "d", "\xE4"}));
    const NamedFile hex{"hex.hcchr", "6162\n"};
    EXPECT_EQ(all_of_mask({.mask = "?1", .charsets = {hex.path()}, .notation = MaskNotation::hex}), (Texts{"a", "b"}));
    const NamedFile empty{"empty.hcchr", "\n"};
    EXPECT_TRUE(fails_with(make_mask({.mask = "?1", .charsets = {empty.path()}}), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(make_mask({.mask = "?1", .charsets = {"/nowhere/x.hcchr"}}), ErrorCode::io));
    const NamedFile large{"large.hcchr", std::string(65'537, 'a')};
    const auto refused = make_mask({.mask = "?1", .charsets = {large.path()}});
    ASSERT_TRUE(fails_with(refused, ErrorCode::unsupported));
    EXPECT_NE(to_string(refused.error()).find("large.hcchr"), std::string::npos) << to_string(refused.error());
}

TEST(Mask, IncrementsFromShortToLong)
{
    EXPECT_EQ(all_of_mask({.mask = "?1b?1", .charsets = {"xy"}, .increment = MaskIncrement{}}),
              (Texts{"x", "y", "xb", "yb", "xbx", "xby", "ybx", "yby"}));
    EXPECT_EQ(all_of_mask({.mask = "?1?1?1?1", .charsets = {"x"}, .increment = MaskIncrement{.min = 2, .max = 3}}),
              (Texts{"xx", "xxx"}));
    EXPECT_EQ(make_mask({.mask = "?d?d?d", .increment = MaskIncrement{.min = 2, .max = 99}}).unwrap()->size().value,
              1100U);
}

TEST(Mask, RefusesAnIncrementThatLeadsNowhere)
{
    for (const auto& [min, max] : {std::pair{0U, 2U}, std::pair{3U, 2U}, std::pair{4U, 8U}}) {
        const MaskSpec spec{.mask = "?d?d?d", .charsets = {}, .increment = MaskIncrement{.min = min, .max = max}};
        EXPECT_TRUE(fails_with(make_mask(spec), ErrorCode::invalid_argument)) << min << " " << max;
    }
}

TEST(Mask, NamesColumnAndCharacterOfAMistake)
{
    const auto unknown = make_mask({.mask = "?d?dab?x"});
    ASSERT_TRUE(fails_with(unknown, ErrorCode::invalid_argument));
    EXPECT_NE(unknown.error().why.find("column 8"), std::string::npos) << unknown.error().why;
    EXPECT_NE(unknown.error().why.find("'x'"), std::string::npos) << unknown.error().why;
    const auto open = make_mask({.mask = "ab?"});
    ASSERT_TRUE(fails_with(open, ErrorCode::invalid_argument));
    EXPECT_NE(open.error().why.find("column 3"), std::string::npos) << open.error().why;
    const auto undefined = make_mask({.mask = "a?3"});
    ASSERT_TRUE(fails_with(undefined, ErrorCode::invalid_argument));
    EXPECT_NE(undefined.error().hint.find("-3"), std::string::npos) << undefined.error().hint;
    const auto in_charset = make_mask({.mask = "?2", .charsets = {"", "ab?"}});
    ASSERT_TRUE(fails_with(in_charset, ErrorCode::invalid_argument));
    EXPECT_NE(in_charset.error().trail.at(0).find("-2"), std::string::npos);
    EXPECT_TRUE(fails_with(make_mask({.mask = ""}), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(make_mask({.mask = std::string(257, 'a')}), ErrorCode::invalid_argument));
    EXPECT_TRUE(is_ok(make_mask({.mask = std::string(256, 'a')})));
}

TEST(Mask, IsCountedUpToSixtyFourBitsAndRefusedBeyondWithTheCount)
{
    const auto largest = make_mask({.mask = "?b?b?b?b?b?b?b?1", .charsets = {"?l?u?d?s"}});
    ASSERT_TRUE(is_ok(largest));
    EXPECT_EQ((*largest)->size().value, (std::uint64_t{1} << 56U) * 95);
    EXPECT_EQ(one_by_one(**largest, (*largest)->size().value - 1, 1).front(), std::string(7, '\xFF') + "~");
    const auto refused = make_mask({.mask = "?b?b?b?b?b?b?b?b"}); // 2^64: one more than there are numbers
    ASSERT_TRUE(fails_with(refused, ErrorCode::invalid_argument));
    EXPECT_NE(refused.error().why.find("1.84e+19"), std::string::npos) << refused.error().why;
    const auto cuts = make_mask({.mask = "?b?b?b?b?b?b?b?b", .increment = MaskIncrement{.min = 7, .max = 8}});
    ASSERT_TRUE(fails_with(cuts, ErrorCode::invalid_argument));
    EXPECT_EQ(cuts.error().what, "the mask of 8 places describes too many candidates");
    std::string longest;
    for (unsigned i = 0; i < max_mask_places; ++i) {
        longest += "?b";
    }
    EXPECT_TRUE(fails_with(make_mask({.mask = longest}), ErrorCode::invalid_argument));
    const MaskSpec sum{.mask = "?b?b?b?b?b?b?b?1", .charsets = {"?l?u?d?s"}, .increment = MaskIncrement{}};
    EXPECT_TRUE(is_ok(make_mask(sum)));
}

TEST(Mask, CoversEachCandidateOnceInAnySplit)
{
    expect_every_split_covers_each_once(*make_mask({.mask = "?1?d?2?h", .charsets = {"ab", "?u?1"}}).unwrap());
    expect_every_split_covers_each_once(
        *make_mask({.mask = "?1?d?2?d", .charsets = {"ab", "?u?1"}, .increment = MaskIncrement{}}).unwrap());
}

TEST(Mask, IsToldApartFromAnotherWithoutShowingItself)
{
    const auto one = make_mask({.mask = "Secret?d"}).unwrap();
    const auto other = make_mask({.mask = "Secrex?d"}).unwrap();
    EXPECT_NE(one->identity(), other->identity());
    EXPECT_EQ(one->identity(), make_mask({.mask = "Secret?1", .charsets = {"?d"}}).unwrap()->identity());
    EXPECT_NE(one->identity(), make_mask({.mask = "Secret?1", .charsets = {"9?d"}}).unwrap()->identity());
    EXPECT_EQ((one->identity() + one->description()).find("Secr"), std::string::npos);
    EXPECT_EQ(one->encoding(0), "text");
}

TEST(MaskFile, HasOneMaskALineWithItsCharsets)
{
    const NamedFile file{"a.hcmask", "# a comment\n\nab,?1x\r\nab,cd,?1?2\na\\,b\n\\#?1\\\\\n,?d\n"};
    const auto made = make_mask_file({.path = file.path()});
    ASSERT_TRUE(fails_with(made, ErrorCode::invalid_argument));
    EXPECT_NE(made.error().trail.at(0).find("line 6"), std::string::npos) << made.error().trail.at(0);
    const NamedFile good{"b.hcmask", "# a comment\n\nab,?1x\r\nab,cd,?1?2\na\\,b\n\\#x\\\\\n,9\n x\nq\\"};
    EXPECT_EQ(all_of(*make_mask_file({.path = good.path()}).unwrap()),
              (Texts{"ax", "bx", "ac", "ad", "bc", "bd", "a,b", "#x\\", "9", " x", "q\\"}));
}

TEST(MaskFile, IncrementsEveryLine)
{
    const NamedFile file{"a.hcmask", "xyz\n01,?1?1\n"};
    auto made = make_mask_file({.path = file.path(), .increment = MaskIncrement{.min = 1, .max = 2}});
    EXPECT_EQ(all_of(**made), (Texts{"x", "xy", "0", "1", "00", "01", "10", "11"}));
}

TEST(MaskFile, CoversEachCandidateOnceInAnySplit)
{
    const NamedFile file{"a.hcmask", "x?d?d\n?u?l\nab,y?1?d?d\n7\n"};
    expect_every_split_covers_each_once(*make_mask_file({.path = file.path()}).unwrap());
}

TEST(MaskFile, IsRefusedWithTheLine)
{
    const NamedFile fields{"a.hcmask", "?d\na,b,c,d,e,?1\n"};
    const auto many = make_mask_file({.path = fields.path()});
    ASSERT_TRUE(fails_with(many, ErrorCode::invalid_argument));
    EXPECT_NE(many.error().trail.at(0).find("line 2"), std::string::npos);
    const NamedFile empty{"b.hcmask", "# nothing\n\n"};
    EXPECT_TRUE(fails_with(make_mask_file({.path = empty.path()}), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(make_mask_file({.path = "/nowhere/x.hcmask"}), ErrorCode::io));
    const NamedFile sum{"c.hcmask", "?b?b?b?b?b?b?b?a\n?b?b?b?b?b?b?b?a\n?b?b?b?b?b?b?b?a\n"};
    EXPECT_TRUE(fails_with(make_mask_file({.path = sum.path()}), ErrorCode::invalid_argument));
    const NamedFile large{"d.hcmask", std::string((4U << 20U) + 1, '#')};
    EXPECT_TRUE(fails_with(make_mask_file({.path = large.path()}), ErrorCode::unsupported));
}

TEST(MaskFile, IsKnownByItsContent)
{
    const NamedFile one{"a.hcmask", "?d\nab\n"};
    const NamedFile same{"b.hcmask", "# with a comment\n?d\nab\n"};
    const NamedFile other{"c.hcmask", "?d\nac\n"};
    const auto identity = [](const NamedFile& file) {
        return make_mask_file({.path = file.path()}).unwrap()->identity();
    };
    EXPECT_EQ(identity(one), identity(same));
    EXPECT_NE(identity(one), identity(other));
}

} // namespace
} // namespace salvage::password
