// Dates: real days only, each text once, likely years first.
#include "salvage/password/dates.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "split_support.hpp"

namespace salvage::password {
namespace {

using salvage::test::fails_with;
using salvage::test::is_ok;
using test::all_of;
using test::expect_every_split_covers_each_once;

using Texts = std::vector<std::string>;

Texts dates(unsigned from, unsigned to, std::vector<std::string> formats)
{
    return all_of(*make_dates({.from_year = from, .to_year = to, .formats = std::move(formats)}).unwrap());
}

/// Every day of these years as day, month and year, by the standard library's calendar.
template <typename Write>
std::set<std::string> every_day(int from, int to, const Write& write)
{
    using namespace std::chrono;
    std::set<std::string> out;
    for (sys_days day = year{from} / January / 1; day < year{to + 1} / January / 1; day += days{1}) {
        const year_month_day date{day};
        out.insert(write(unsigned{date.day()}, unsigned{date.month()}, int{date.year()}));
    }
    return out;
}

TEST(Dates, AreTheDaysOfTheCalendarEachOnce)
{
    auto all = dates(1896, 1904, {"DD.MM.YYYY"}); // 1900 had no 29 February
    EXPECT_EQ(all.size(), 9U * 365 + 2);
    std::ranges::sort(all);
    const auto expected = every_day(1896, 1904, [](unsigned day, unsigned month, int year) {
        return fmt::format("{:02}.{:02}.{}", day, month, year);
    });
    EXPECT_TRUE(std::ranges::equal(all, expected));
    EXPECT_EQ(dates(2000, 2000, {"YYYYMMDD"}).size(), 366U);
}

TEST(Dates, OfSeveralFormatsHoldNoTextTwice)
{
    auto all = dates(1999, 2002, {"DDMMYY", "MMDDYY", "YYMMDD"});
    std::ranges::sort(all);
    std::set<std::string> expected;
    for (const auto order : {0, 1, 2}) {
        expected.merge(every_day(1999, 2002, [&](unsigned day, unsigned month, int year) {
            const auto in_century = year % 100;
            return order == 0   ? fmt::format("{:02}{:02}{:02}", day, month, in_century)
                   : order == 1 ? fmt::format("{:02}{:02}{:02}", month, day, in_century)
                                : fmt::format("{:02}{:02}{:02}", in_century, month, day);
        }));
    }
    EXPECT_TRUE(std::ranges::equal(all, expected));
}

TEST(Dates, WithoutAYearKnowTheLeapDayWhateverTheYears)
{
    const auto all = dates(2001, 2002, {"DDMM"});
    EXPECT_EQ(all.size(), 366U);
    EXPECT_NE(std::ranges::find(all, "2902"), all.end());
    EXPECT_EQ(all.front(), "0101");
    EXPECT_EQ(dates(2001, 2001, {"MM"}).size(), 12U);
    EXPECT_EQ(dates(1000, 1000, {"D"}).size(), 31U);
}

TEST(Dates, BeginWithoutAYearThenWithTheLikeliestYear)
{
    EXPECT_EQ(dates(1988, 1991, {"YYYY"}), (Texts{"1990", "1991", "1989", "1988"}));
    EXPECT_EQ(dates(2001, 2003, {"YY"}), (Texts{"01", "02", "03"}));
    EXPECT_EQ(dates(1970, 1971, {"YYYY"}), (Texts{"1971", "1970"}));
    const auto all = dates(1989, 1990, {"YYYY", "DD", "DDMMYYYY"});
    EXPECT_EQ(all.at(0), "01");
    EXPECT_EQ(all.at(31), "1990");
    EXPECT_EQ(all.at(32), "01011990");
    EXPECT_EQ(all.at(32 + 365), "1989");
}

TEST(Dates, OfACenturyApartAreOneWithTwoDigitsOfTheYear)
{
    EXPECT_EQ(dates(1990, 2090, {"YY"}).size(), 100U);
}

TEST(Dates, AreWrittenWithAndWithoutLeadingZeros)
{
    const auto all = dates(1990, 1990, {"D/M/YY", "d.m."});
    EXPECT_NE(std::ranges::find(all, "1/2/90"), all.end());
    EXPECT_NE(std::ranges::find(all, "31.12."), all.end());
    const auto joined = dates(1990, 1990, {"DMYYYY"}); // 1111990 is 1 November and 11 January
    EXPECT_EQ(std::ranges::count(joined, "1111990"), 1);
}

TEST(Dates, CoverEachTextOnceInAnySplit)
{
    expect_every_split_covers_each_once(*make_dates({}).unwrap());
    expect_every_split_covers_each_once(
        *make_dates({.from_year = 1950, .to_year = 1960, .formats = {"DMYY", "DDMMYY", "YYYY"}}).unwrap());
}

TEST(Dates, HaveTheUsualFormatsWhenNoneIsGiven)
{
    const auto all = dates(1980, 2000, {});
    for (const auto* const text : {"1503", "0315", "1987", "150387", "031587", "870315", "15031987", "03151987",
                                   "19870315", "15.03.87", "15.03.1987", "03/15/1987", "1987-03-15"}) {
        EXPECT_NE(std::ranges::find(all, text), all.end()) << text;
    }
    EXPECT_EQ(std::ranges::find(all, "310287"), all.end()); // there is no 31 February, in no order of its parts
}

TEST(Dates, RefuseYearsAndFormatsThatMeanNothing)
{
    const auto made = [](unsigned from, unsigned to, std::vector<std::string> formats) {
        return make_dates({.from_year = from, .to_year = to, .formats = std::move(formats)});
    };
    EXPECT_TRUE(fails_with(made(999, 2000, {"YYYY"}), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(made(2000, 10'000, {"YYYY"}), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(made(2001, 2000, {"YYYY"}), ErrorCode::invalid_argument));
    for (const auto* const format : {"", "--", "DDD", "YYY", "Y", "DDMMJJJJ", "DDMMYYYYY", "DD.MM.YYYY.DD.MM.YY"}) {
        EXPECT_TRUE(fails_with(made(1990, 1990, {format}), ErrorCode::invalid_argument)) << format;
    }
    EXPECT_TRUE(fails_with(made(1990, 1990, std::vector<std::string>(33, "DD")), ErrorCode::invalid_argument));
    const auto column = made(1990, 1990, {"DD.MN.YY"});
    ASSERT_TRUE(fails_with(column, ErrorCode::invalid_argument));
    EXPECT_NE(column.error().why.find("column 5"), std::string::npos) << column.error().why;
}

TEST(Dates, AreBoundedInNumber)
{
    const auto refused = make_dates({.from_year = 1000, .to_year = 9999, .formats = {}});
    ASSERT_TRUE(fails_with(refused, ErrorCode::invalid_argument));
    EXPECT_NE(refused.error().why.find("2,000,000"), std::string::npos) << refused.error().why;
}

TEST(Dates, NameTheirYearsAndTellFormatsApart)
{
    const auto one = make_dates({.from_year = 1990, .to_year = 1991, .formats = {"DDMMYY"}}).unwrap();
    const auto other = make_dates({.from_year = 1990, .to_year = 1991, .formats = {"MMDDYY"}}).unwrap();
    EXPECT_NE(one->identity(), other->identity());
    EXPECT_NE(one->description().find("1990 to 1991"), std::string::npos);
    EXPECT_EQ(one->encoding(0), "text");
}

} // namespace
} // namespace salvage::password
