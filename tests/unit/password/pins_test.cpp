// PINs: each exactly once, likely ones first.
#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "keyspace_support.hpp"

namespace salvage::password {
namespace {

using salvage::test::fails_with;
using salvage::test::is_ok;
using test::all_of;
using test::one_by_one;

KeyspacePtr pins(unsigned min, unsigned max)
{
    return make_pins(min, max).unwrap();
}

/// Every text of `digits` digits, in numeric order: what sorting the keyspace has to give.
std::vector<std::string> every_number(unsigned digits)
{
    std::vector<std::string> out;
    const auto end = static_cast<unsigned>(std::pow(10, digits));
    for (unsigned number = 0; number < end; ++number) {
        out.push_back(fmt::format("{:0{}}", number, digits));
    }
    return out;
}

class EveryPin : public ::testing::TestWithParam<unsigned> {};

TEST_P(EveryPin, ComesExactlyOnce)
{
    auto all = all_of(*pins(GetParam(), GetParam()));
    std::ranges::sort(all);
    EXPECT_EQ(all, every_number(GetParam()));
}
INSTANTIATE_TEST_SUITE_P(Pins, EveryPin, ::testing::Values(4U, 5U, 6U));

// The head of the list of N. Berry, "PIN analysis", DataGenetics 2012 (3.4 million leaked PINs), in its order.
TEST(Pins, BeginWithTheTwentyFourDigitsThatLeakedMost)
{
    const std::vector<std::string> published{"1234", "1111", "0000", "1212", "7777", "1004", "2000",
                                             "4444", "2222", "6969", "9999", "3333", "5555", "6666",
                                             "1122", "1313", "8888", "4321", "2001", "1010"};
    EXPECT_EQ(one_by_one(*pins(4, 4), 0, published.size()), published);
}

// The ten most common of P. Markert et al., "This PIN Can Be Easily Guessed", IEEE S&P 2020.  They are printed as a
// set.
TEST(Pins, HaveTheTenSixDigitsThatLeakedMostAmongTheFirstTen)
{
    auto first = one_by_one(*pins(6, 6), 0, 10);
    std::ranges::sort(first);
    const std::vector<std::string> published{"000000", "111111", "112233", "121212", "123123",
                                             "123456", "159753", "654321", "666666", "789456"};
    EXPECT_EQ(first, published);
}

// The same source's ten of four digits.
TEST(Pins, HaveThePhoneUsersTopTenAmongTheFirstTwoHundred)
{
    const auto first = one_by_one(*pins(4, 4), 0, 200);
    for (const auto* const pin : {"0000", "0852", "1111", "1212", "1234", "1998", "2222", "2580", "5555", "5683"}) {
        EXPECT_NE(std::ranges::find(first, pin), first.end()) << pin;
    }
}

TEST(Pins, PutADateOfBirthBeforeANumberThatMeansNothing)
{
    const auto all = all_of(*pins(6, 6));
    const auto place = [&](const char* pin) { return std::ranges::find(all, pin) - all.begin(); };
    EXPECT_LT(place("150687"), place("728153")); // 15 June 1987
    EXPECT_LT(place("061587"), place("728153"));
    EXPECT_LT(place("870615"), place("728153"));
}

TEST(Pins, OfSeveralLengthsComeShortestFirst)
{
    const auto both = pins(4, 5);
    ASSERT_EQ(both->size().value, 110'000U);
    EXPECT_EQ(one_by_one(*both, 0, 10'000), all_of(*pins(4, 4)));
    EXPECT_EQ(one_by_one(*both, 10'000, 100), one_by_one(*pins(5, 5), 0, 100));
    EXPECT_EQ(one_by_one(*both, 109'999, 1).front().size(), 5U);
}

TEST(Pins, OfSixteenDigitsAreNumberedToTheEnd)
{
    const auto longest = pins(16, 16);
    EXPECT_EQ(longest->size().value, 10'000'000'000'000'000U);
    EXPECT_EQ(one_by_one(*longest, longest->size().value - 1, 1).front().size(), 16U);
}

TEST(Pins, OfEightDigitsHoldNoNumberTwiceWhereTheListEndsAndTheRestBegins)
{
    const auto all = one_by_one(*pins(8, 8), 0, 400'000);
    EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
}

TEST(Pins, AreRefusedBeyondWhatAPhoneTakes)
{
    for (const auto& [min, max] : {std::pair{3U, 4U}, std::pair{4U, 17U}, std::pair{6U, 5U}, std::pair{0U, 0U}}) {
        EXPECT_TRUE(fails_with(make_pins(min, max), ErrorCode::invalid_argument)) << min << ", " << max;
    }
}

TEST(Pins, HaveNoCandidateBeyondTheirEnd)
{
    EXPECT_TRUE(fails_with(candidate_at(*pins(4, 4), 10'000), ErrorCode::internal));
}

TEST(Pins, NameThemselvesAndTheirOrder)
{
    EXPECT_EQ(pins(4, 4)->identity(), "pin:4:4:order=1"); // a session of another version has to stop fitting
    EXPECT_NE(pins(4, 5)->identity(), pins(4, 6)->identity());
    EXPECT_EQ(pins(4, 4)->encoding(0), "text");
    EXPECT_NE(pins(4, 6)->description().find("4- to 6-digit"), std::string::npos);
}

} // namespace
} // namespace salvage::password
