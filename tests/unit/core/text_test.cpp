// Numbers for people, and back.
#include <chrono>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "salvage/core/text.hpp"
#include "support/assert_result.hpp"

namespace salvage {
namespace {

using test::fails_with;

TEST(Quantities, AreReadInEveryAcceptedForm)
{
    const std::vector<std::pair<std::string_view, std::uint64_t>> cases{{"0", 0},
                                                                        {"62685220", 62685220},
                                                                        {"0x3bc8024", 62685220},
                                                                        {"0X3BC8024", 62685220},
                                                                        {"512s", 262144},
                                                                        {"32KiB", 32768},
                                                                        {"32MiB", 33554432},
                                                                        {"1GiB", 1073741824},
                                                                        {"2TiB", 2199023255552},
                                                                        {"32K", 32768},
                                                                        {"32M", 33554432},
                                                                        {"1G", 1073741824},
                                                                        {"1T", 1099511627776},
                                                                        {"0x10s", 8192},
                                                                        {"0x2K", 2048},
                                                                        {"18446744073709551615", 18446744073709551615U},
                                                                        {"0xffffffffffffffff", 18446744073709551615U}};
    for (const auto& [text, expected] : cases) {
        const auto result = parse_quantity(text);
        ASSERT_TRUE(test::is_ok(result)) << text;
        EXPECT_EQ(*result, expected) << text;
    }
}

TEST(Quantities, AreRefusedWithTheAcceptedFormsNamed)
{
    for (const std::string_view text :
         {"", " ", "-1", "+1", "1.5G", "0x", "s", "KiB", "12 KiB", "12kib", "1KB", "0xg", "1e6", "metadata+0x24",
          "18446744073709551616", "0x10000000000000000", "18014398509481984K", "36028797018963968s", "\x1b[31m"}) {
        const auto result = parse_quantity(text);
        ASSERT_TRUE(fails_with(result, ErrorCode::invalid_argument)) << text;
        EXPECT_NE(result.error().hint.find("512s"), std::string::npos);
        EXPECT_EQ(result.error().what.find('\x1b'), std::string::npos);
    }
}

TEST(Offsets, AreShownInHexAndDecimal)
{
    EXPECT_EQ(format_offset(ByteOffset{62685220}), "0x3bc8024 (62685220)");
    EXPECT_EQ(format_offset(ByteOffset{0}), "0x0 (0)");
}

TEST(Sizes, AreShownInTheUnitThatReadsBest)
{
    EXPECT_EQ(format_size(ByteCount{0}), "0 bytes");
    EXPECT_EQ(format_size(ByteCount{1}), "1 byte");
    EXPECT_EQ(format_size(ByteCount{1023}), "1023 bytes");
    EXPECT_EQ(format_size(ByteCount{1024}), "1 KiB");
    EXPECT_EQ(format_size(ByteCount{1536}), "1.5 KiB");
    EXPECT_EQ(format_size(ByteCount{33554432}), "32 MiB");
    EXPECT_EQ(format_size(ByteCount{31268536320}), "29.1 GiB");
    EXPECT_EQ(format_size(ByteCount{~0ULL}), "16 EiB");
    EXPECT_EQ(format_size_exact(ByteCount{33554432}), "32 MiB (33554432 bytes)");
    EXPECT_EQ(format_size_exact(ByteCount{17}), "17 bytes");
}

TEST(Durations, AreRoundedToWhatAPersonPlansBy)
{
    using std::chrono::duration;
    const auto shown = [](double seconds) { return format_duration(duration<double>{seconds}); };
    EXPECT_EQ(shown(0.2), "under a second");
    EXPECT_EQ(shown(40), "about 40 seconds");
    EXPECT_EQ(shown(180), "about 3 minutes");
    EXPECT_EQ(shown(90 * 60), "about 90 minutes");
    EXPECT_EQ(shown(62 * 3600.0), "about 3 days");
    EXPECT_EQ(shown(40 * 3600.0), "about 40 hours");
    EXPECT_EQ(shown(4 * 86400.0), "about 4 days");
    EXPECT_EQ(shown(1e12), "about 31,688 years");
    EXPECT_EQ(shown(1e300), "longer than anyone can wait");
    EXPECT_EQ(shown(std::numeric_limits<double>::quiet_NaN()), "longer than anyone can wait");
}

TEST(Counts, HaveTheirThousandsApart)
{
    EXPECT_EQ(format_count(0), "0");
    EXPECT_EQ(format_count(999), "999");
    EXPECT_EQ(format_count(1000), "1,000");
    EXPECT_EQ(format_count(12345678), "12,345,678");
    EXPECT_EQ(format_count(~0ULL), "18,446,744,073,709,551,615");
}

TEST(Printable, KeepsTextAndShowsEverythingElse)
{
    EXPECT_EQ(printable("plain"), "plain");
    EXPECT_EQ(printable("Fotos/Öl № 5 日本 😀"), "Fotos/Öl № 5 日本 😀");
    EXPECT_EQ(printable("a\nb\tc\x1b[31m\x7f"), "a\\x0ab\\x09c\\x1b[31m\\x7f");
    EXPECT_EQ(printable(std::string_view{"\0", 1}), "\\x00");
    EXPECT_EQ(printable("\xff\xfe"), "\\xff\\xfe") << "no UTF-8";
    EXPECT_EQ(printable("\xc3"), "\\xc3") << "cut off";
    EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf") << "overlong";
    EXPECT_EQ(printable("\xe0\x80\xaf"), "\\xe0\\x80\\xaf") << "overlong";
    EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "half of a surrogate pair";
    EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "beyond Unicode";
    EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b") << "a control character of 8-bit terminals";
}

TEST(Text, TrimmedLosesWhatIsWhiteAroundItAndNothingWithin)
{
    EXPECT_EQ(trimmed(" \t a b\r\n"), "a b");
    EXPECT_EQ(trimmed("x"), "x");
    EXPECT_EQ(trimmed(" \r\n\t"), "");
    EXPECT_EQ(trimmed(""), "");
    const std::string_view text{"  inside "};
    EXPECT_EQ(trimmed(text).data(), text.data() + 2) << "a part of the same text";
}

} // namespace
} // namespace salvage
