// Unlock patterns: each legal one exactly once, beside a brute force that knows nothing of the numbering.
#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "split_support.hpp"

namespace salvage::password {
namespace {

using salvage::test::fails_with;
using salvage::test::is_ok;
using test::all_of;
using test::one_by_one;

KeyspacePtr patterns(unsigned side, unsigned min, unsigned max, PatternEncoding encoding = PatternEncoding::digits)
{
    return make_patterns(side, min, max, encoding).unwrap();
}

/// The dot that a straight move between two dots of the 3x3 grid passes over, written out by hand; 0: none.
int passed_over(int from, int to)
{
    constexpr std::array table{std::array{1, 3, 2}, std::array{4, 6, 5}, std::array{7, 9, 8}, std::array{1, 7, 4},
                               std::array{2, 8, 5}, std::array{3, 9, 6}, std::array{1, 9, 5}, std::array{3, 7, 5}};
    for (const auto& [a, b, middle] : table) {
        if ((from == a && to == b) || (from == b && to == a)) {
            return middle;
        }
    }
    return 0;
}

/// All legal patterns of the 3x3 grid with 4 to 9 dots: every sequence is walked and the illegal ones dropped.
std::set<std::string> brute_force_3x3()
{
    std::set<std::string> out;
    std::string drawn;
    const std::function<void()> walk = [&] {
        if (drawn.size() >= 4) {
            out.insert(drawn);
        }
        for (char next = '1'; next <= '9'; ++next) {
            if (drawn.find(next) != std::string::npos) {
                continue;
            }
            const int middle = drawn.empty() ? 0 : passed_over(drawn.back() - '0', next - '0');
            if (middle != 0 && drawn.find(static_cast<char>('0' + middle)) == std::string::npos) {
                continue;
            }
            drawn.push_back(next);
            walk();
            drawn.pop_back();
        }
    };
    walk();
    return out;
}

/// Counts patterns of `dots` dots on any grid; a dot lies on the way when it is collinear and between.
std::uint64_t brute_force_count(int side, std::size_t dots)
{
    std::vector<int> drawn;
    const auto is_drawn = [&](int dot) { return std::ranges::find(drawn, dot) != drawn.end(); };
    const auto is_on_the_way = [&](int from, int to, int dot) {
        const int x1 = from % side;
        const int y1 = from / side;
        const int x2 = to % side;
        const int y2 = to / side;
        const int x = dot % side;
        const int y = dot / side;
        const bool is_collinear = (x2 - x1) * (y - y1) == (y2 - y1) * (x - x1);
        const bool is_between =
            x >= std::min(x1, x2) && x <= std::max(x1, x2) && y >= std::min(y1, y2) && y <= std::max(y1, y2);
        return dot != from && dot != to && is_collinear && is_between;
    };
    std::uint64_t count = 0;
    const std::function<void()> walk = [&] {
        if (drawn.size() == dots) {
            ++count;
            return;
        }
        for (int next = 0; next < side * side; ++next) {
            bool is_legal = !is_drawn(next);
            for (int dot = 0; is_legal && !drawn.empty() && dot < side * side; ++dot) {
                is_legal = !is_on_the_way(drawn.back(), next, dot) || is_drawn(dot);
            }
            if (is_legal) {
                drawn.push_back(next);
                walk();
                drawn.pop_back();
            }
        }
    };
    walk();
    return count;
}

TEST(Patterns, OfThreeByThreeAreExactlyTheLegalOnesEachOnce)
{
    auto all = all_of(*patterns(3, 4, 9));
    ASSERT_EQ(all.size(), 389'112U);
    std::ranges::sort(all);
    const auto legal = brute_force_3x3();
    EXPECT_TRUE(std::ranges::equal(all, legal));
}

TEST(Patterns, OfThreeByThreeAreAsManyALengthAsIsKnown)
{
    const std::map<unsigned, std::uint64_t> known{{4, 1624},  {5, 7152},   {6, 26016},
                                                  {7, 72912}, {8, 140704}, {9, 140704}};
    for (const auto& [dots, count] : known) {
        EXPECT_EQ(patterns(3, dots, dots)->size().value, count) << dots << " dots";
    }
}

TEST(Patterns, OfLargerGridsAreAsManyAsABruteForceCounts)
{
    EXPECT_EQ(patterns(4, 4, 4)->size().value, brute_force_count(4, 4));
    EXPECT_EQ(patterns(4, 5, 5)->size().value, brute_force_count(4, 5));
    EXPECT_EQ(patterns(5, 4, 4)->size().value, brute_force_count(5, 4));
    EXPECT_EQ(patterns(6, 4, 4)->size().value, brute_force_count(6, 4));
}

TEST(Patterns, CoverEachOnceInAnySplit)
{
    test::expect_every_split_covers_each_once(*patterns(3, 4, 9));
    test::expect_every_split_covers_each_once(*patterns(3, 6, 7, PatternEncoding::raw_zero));
    test::expect_every_split_covers_each_once(*patterns(5, 4, 4));
}

TEST(Patterns, AreTheSameOneByOneAndInBatches)
{
    for (const auto& [side, dots] : {std::pair{3U, 9U}, std::pair{4U, 16U}, std::pair{6U, 7U}}) {
        const auto some = patterns(side, 4, dots);
        const auto size = some->size().value;
        for (const std::uint64_t first : {std::uint64_t{0}, std::uint64_t{1600}, size / 3, size / 2, size - 1000}) {
            EXPECT_EQ(test::at_once(*some, first, 1000), one_by_one(*some, first, 1000)) << side << " from " << first;
        }
    }
}

// Løge 2015: 44 % start top left, 77 % in a corner.
TEST(Patterns, OfOneLengthBeginInTheCornersWhereNoShapeIsKnown)
{
    const auto all = all_of(*patterns(3, 9, 9));
    std::string starts; // in order of the last pattern that starts there: the popular ones come first anyway
    for (auto pattern = all.rbegin(); pattern != all.rend(); ++pattern) {
        if (starts.find(pattern->front()) == std::string::npos) {
            starts.insert(starts.begin(), pattern->front());
        }
    }
    EXPECT_EQ(starts, "137924685");
}

TEST(Patterns, OfFourByFourAreEachDifferent)
{
    const auto all = all_of(*patterns(4, 4, 5));
    EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
}

// Counted by a dynamic programme over sets of dots in Python, written for this test alone.
TEST(Patterns, OfTheWholeFourByFourGridFitInTheTables)
{
    const auto whole = make_patterns(4, 4, 16, PatternEncoding::digits);
    ASSERT_TRUE(is_ok(whole));
    EXPECT_EQ((*whole)->size().value, 4'350'069'823'024U);
    EXPECT_EQ(one_by_one(**whole, (*whole)->size().value - 1, 1).front().size(), 16U);
}

TEST(Patterns, OfOneLengthOnALargeGridAreNumberedWithoutTheShorterOnes)
{
    const auto some = patterns(5, 6, 6);
    EXPECT_EQ(some->size().value, patterns(5, 4, 6)->size().value - patterns(5, 4, 5)->size().value);
    const auto last = one_by_one(*some, some->size().value - 100, 100);
    EXPECT_EQ(std::set<std::string>(last.begin(), last.end()).size(), 100U);
    EXPECT_EQ(last.back().size(), 6U);
}

TEST(Patterns, ThatWouldTakeTooMuchMemoryAreRefusedWithTheSize)
{
    for (const auto& [side, dots] : {std::pair{6U, 9U}, std::pair{6U, 20U}, std::pair{6U, 36U}, std::pair{5U, 11U}}) {
        const auto refused = make_patterns(side, 4, dots, PatternEncoding::digits);
        ASSERT_TRUE(fails_with(refused, ErrorCode::unsupported)) << side << ", " << dots;
        EXPECT_NE(refused.error().why.find("256 MiB"), std::string::npos) << refused.error().why;
    }
    EXPECT_TRUE(is_ok(make_patterns(6, 4, 6, PatternEncoding::digits)));
}

// M. D. Løge, "Tell Me Who You Are and I Will Tell You Your Unlock Pattern" (2015): letters, and starts at the top
// left.
TEST(Patterns, BeginWithLettersFromTheTopLeft)
{
    const auto first = one_by_one(*patterns(3, 4, 9), 0, 100);
    EXPECT_EQ(first.front(), "14789");                                   // L
    for (const auto* const letter : {"1235789", "1478963", "7415963"}) { // Z, U, N
        EXPECT_NE(std::ranges::find(first, letter), first.end()) << letter;
    }
}

TEST(Patterns, AreTheSameInBothEncodingsDotForDot)
{
    const auto digits = patterns(3, 4, 9);
    const auto raw = patterns(3, 4, 9, PatternEncoding::raw_zero);
    for (std::uint64_t index = 0; index < digits->size().value; index += 997) {
        auto expected = one_by_one(*digits, index, 1).front();
        std::ranges::for_each(expected, [](char& c) { c = static_cast<char>(c - '1'); });
        EXPECT_EQ(one_by_one(*raw, index, 1).front(), expected) << index;
    }
    EXPECT_EQ(digits->encoding(0), "pattern-digits");
    EXPECT_EQ(raw->encoding(0), "pattern-raw");
    EXPECT_NE(digits->identity(), raw->identity());
}

TEST(Patterns, OnLargerGridsGoOnAfterNineInAscii)
{
    EXPECT_EQ(encode_pattern("1-2-3-4-8-12-16", 4, PatternEncoding::digits).unwrap(), "12348<@");
    EXPECT_EQ(encode_pattern("1-2-3-4-8-12-16", 4, PatternEncoding::raw_zero).unwrap(),
              (std::string{"\0\1\2\3\7\13\17", 7}));
}

TEST(Patterns, AreReadAsAPersonTypesThem)
{
    EXPECT_EQ(encode_pattern("1-4-7-8", 3, PatternEncoding::digits).unwrap(), "1478");
    EXPECT_EQ(encode_pattern("1478", 3, PatternEncoding::digits).unwrap(), "1478");
    EXPECT_EQ(encode_pattern("1-4-7-8", 3, PatternEncoding::raw_zero).unwrap(), (std::string{"\0\3\6\7", 4}));
    EXPECT_TRUE(is_ok(encode_pattern("5-1-9-2", 3, PatternEncoding::digits))); // 1 to 9 over 5, which is touched
}

TEST(Patterns, ThatCannotBeDrawnAreRefusedWithoutSayingThem)
{
    for (const std::string text : {"", "1", "1-2-3", "1-3-2-5", "1-1-2-3", "1-2-3-0", "1-2-3-10", "1-2-3-", "-1-2-3-4",
                                   "1--2-3-4", "a-b-c-d", "1-2-3-4-5-6-7-8-9-1", "1 2 3 4", "123x"}) {
        const auto refused = encode_pattern(text, 3, PatternEncoding::digits);
        ASSERT_TRUE(fails_with(refused, ErrorCode::invalid_argument)) << text;
        const auto told = refused.error().what + refused.error().why;
        EXPECT_TRUE(text.size() < 4 || told.find(text) == std::string::npos) << told;
    }
    EXPECT_TRUE(fails_with(encode_pattern("1478", 4, PatternEncoding::digits), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(encode_pattern("1-2-3-4", 7, PatternEncoding::digits), ErrorCode::invalid_argument));
}

TEST(Patterns, AreRefusedBeyondWhatAGridHas)
{
    EXPECT_TRUE(fails_with(make_patterns(2, 4, 4, PatternEncoding::digits), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(make_patterns(7, 4, 9, PatternEncoding::digits), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(make_patterns(3, 3, 9, PatternEncoding::digits), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(make_patterns(3, 4, 10, PatternEncoding::digits), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(make_patterns(3, 9, 4, PatternEncoding::digits), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(candidate_at(*patterns(3, 4, 4), 1624), ErrorCode::internal));
}

} // namespace
} // namespace salvage::password
