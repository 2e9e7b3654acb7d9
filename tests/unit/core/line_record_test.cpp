// `key=value` lines: what is written comes back, and what is not as it should be is named with its place.
#include <limits>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "salvage/core/line_record.hpp"
#include "support/assert_result.hpp"

namespace salvage {
namespace {

using test::fails_with;

constexpr LineRecordForm form{.values = LineValue::line,
                              .record = "a recipe",
                              .damaged_number = "a wrong number",
                              .damaged_value = "a wrong word"};

LineRecordReader reader_of(std::string_view text)
{
    return {text, form};
}

/// What an error says, and the place it says it of.
template <typename T>
std::string told_by(const Result<T>& result)
{
    const auto& error = result.error();
    return fmt::format("{}; {}; {}", error.what, error.why, error.where.value().chain.front().at.value);
}

std::string all_bytes()
{
    std::string out;
    for (int byte = 0; byte < 256; ++byte) {
        out.push_back(static_cast<char>(byte));
    }
    return out;
}

TEST(LineValues, ComeBackWhateverBytesTheyHave)
{
    for (const auto kind : {LineValue::line, LineValue::word}) {
        const auto written = escape_line_value(all_bytes(), kind);
        EXPECT_EQ(written.find('\n'), std::string::npos);
        EXPECT_EQ(unescape_line_value(written, kind), all_bytes());
    }
}

TEST(LineValues, OfAWordHaveNoBlank)
{
    EXPECT_EQ(escape_line_value("a b%\n\x7F\xC3\xA4", LineValue::line), "a b%25%0A%7F\xC3\xA4");
    EXPECT_EQ(escape_line_value("a b", LineValue::word), "a%20b");
    EXPECT_EQ(unescape_line_value("a b", LineValue::line), "a b");
    EXPECT_FALSE(unescape_line_value("a b", LineValue::word).has_value());
    EXPECT_EQ(unescape_line_value("a%20b", LineValue::line), "a b");
}

TEST(LineValues, WithAHalfEscapeOrARawControlCharacterAreNone)
{
    for (const std::string_view text : {"%", "%4", "a%", "a%4", "%4g", "%-1", "%+1", "%0x", "% 1", "\t", "a\n"}) {
        EXPECT_FALSE(unescape_line_value(text, LineValue::line).has_value()) << text;
    }
    EXPECT_EQ(unescape_line_value("%4a%4A", LineValue::line), "JJ");
}

TEST(LineNumbers, AreWholeOrNone)
{
    EXPECT_EQ(whole_number("0"), 0U);
    EXPECT_EQ(whole_number("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
    for (const auto* text : {"", "18446744073709551616", "-1", "+1", " 1", "1 ", "0x1", "1a"}) {
        EXPECT_FALSE(whole_number(text).has_value()) << text;
    }
}

TEST(LineRecords, AreReadLineByLine)
{
    auto lines = reader_of("flour=500\nname=a%0Ab\nname=\nraw=%41=%\nsum=x\n");
    EXPECT_EQ(lines.read_so_far(), "");
    EXPECT_EQ(lines.number("flour").unwrap(), 500U);
    EXPECT_TRUE(lines.is_next("name"));
    EXPECT_FALSE(lines.is_next("nam"));
    EXPECT_FALSE(lines.is_next("name="));
    EXPECT_EQ(lines.text("name").unwrap(), "a\nb");
    EXPECT_EQ(lines.text("name").unwrap(), "");
    EXPECT_EQ(lines.value("raw").unwrap(), "%41=%");
    EXPECT_EQ(lines.read_so_far(), "flour=500\nname=a%0Ab\nname=\nraw=%41=%\n");
    EXPECT_TRUE(lines.end("sum", "x").has_value());
    EXPECT_FALSE(lines.is_next("sum"));
}

TEST(LineRecords, ReadWordsWhereThatIsTheirForm)
{
    const LineRecordForm words{.values = LineValue::word, .record = {}, .damaged_number = {}, .damaged_value = {}};
    LineRecordReader lines{"a=x%20y\nb=x y\n", words};
    EXPECT_EQ(lines.text("a").unwrap(), "x y");
    EXPECT_TRUE(fails_with(lines.text("b"), ErrorCode::malformed));
}

TEST(LineRecords, NameTheLineThatIsNotWhatItShouldBe)
{
    for (const auto* text : {"a=1\nc=2\n", "a=1\nb\n", "a=1\nbb=2\n", "a=1\n\n"}) {
        auto lines = reader_of(text);
        ASSERT_TRUE(lines.number("a").has_value());
        const auto found = lines.value("b");
        ASSERT_TRUE(fails_with(found, ErrorCode::malformed));
        EXPECT_EQ(told_by(found), "a recipe has another line than expected; expected \"b=\"; 4");
    }
    for (const auto* text : {"a=1\n", "a=1\nb=2"}) {
        auto lines = reader_of(text);
        ASSERT_TRUE(lines.number("a").has_value());
        const auto found = lines.value("b");
        ASSERT_TRUE(fails_with(found, ErrorCode::malformed));
        EXPECT_EQ(told_by(found), "a recipe ends too early; the line \"b=\" is missing or has no end; 4");
    }
}

TEST(LineRecords, NameTheLineWithADamagedValue)
{
    auto lines = reader_of("a=1\nb=x\nc=%\n");
    ASSERT_TRUE(lines.number("a").has_value());
    EXPECT_EQ(told_by(lines.number("b")), "a recipe has a wrong number; in \"b=\"; 4");
    EXPECT_EQ(told_by(lines.text("c")), "a recipe has a wrong word; in \"c=\"; 8");
    EXPECT_EQ(told_by(Result<>{lines.damaged("c")}), "a recipe has a wrong word; in \"c=\"; 8");
}

TEST(LineRecords, EndWithTheirChecksumAndNothingAfterIt)
{
    auto wrong = reader_of("a=1\nsum=x\n");
    ASSERT_TRUE(wrong.number("a").has_value());
    EXPECT_EQ(told_by(wrong.end("sum", "y")), "a recipe is damaged; its checksum does not agree; 4");
    auto longer = reader_of("sum=x\n\n");
    EXPECT_EQ(told_by(longer.end("sum", "x")), "a recipe goes on after its end; ; 6");
    auto missing = reader_of("");
    EXPECT_EQ(told_by(missing.end("sum", "x")),
              "a recipe ends too early; the line \"sum=\" is missing or has no end; 0");
}

} // namespace
} // namespace salvage
