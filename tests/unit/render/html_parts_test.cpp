// What makes a hostile name harmless, and the pieces of a page.
#include "render/html_parts.hpp"

#include <string>

#include <gtest/gtest.h>

namespace salvage::render {
namespace {

TEST(HtmlParts, MarkupInANameIsText)
{
    EXPECT_EQ(escaped("<b a=\"1\" c='2'>&amp;"), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;");
}

TEST(HtmlParts, WhatTurnsTheDirectionIsShown)
{
    EXPECT_EQ(escaped("a\u202egpj.exe"), "a\\u{202e}gpj.exe");
    EXPECT_EQ(escaped("\u2066x\u2069\u061c\u200f"), "\\u{2066}x\\u{2069}\\u{061c}\\u{200f}");
}

TEST(HtmlParts, WhatCannotBeSeenIsShownAndJoinersStay)
{
    EXPECT_EQ(escaped("a\u200bb\ufeffc"), "a\\u{200b}b\\u{feff}c");
    EXPECT_EQ(escaped("\u0645\u06cc\u200c\u062e"), "\u0645\u06cc\u200c\u062e");
}

TEST(HtmlParts, ControlCharactersAndBytesThatAreNoTextAreShown)
{
    EXPECT_EQ(escaped(std::string_view{"a\0b\x1b[31m\r\n\x7f\xc2\x80\xff", 14}),
              "a\\x00b\\x1b[31m\\x0d\\x0a\\x7f\\xc2\\x80\\xff");
    EXPECT_EQ(escaped("\uffff\u2028"), "\\u{ffff}\\u{2028}"); // XML forbids one, HTML ends no line at the other
}

TEST(HtmlParts, APileOfMarksDoesNotGrowOverItsNeighbours)
{
    std::string pile{"e"};
    for (int i = 0; i < 5; ++i) {
        pile += "\u0301";
    }
    EXPECT_EQ(escaped(pile), "e\u0301\u0301\u0301\\u{0301}\\u{0301}");
}

TEST(HtmlParts, ANameOfAMegabyteIsCutAndItsLengthSaid)
{
    const auto shown = escaped(std::string(1U << 20U, 'x'));
    EXPECT_LT(shown.size(), longest_shown + 64);
    EXPECT_TRUE(shown.ends_with("(1,048,576 bytes in all)")) << shown;
    const auto wide = escaped(std::string(longest_shown - 1, 'x') + "\u20ac\u20ac");
    EXPECT_EQ(wide.find("\\x"), std::string::npos) << "a code point was cut in two: " << wide;
}

TEST(HtmlParts, ATableEndsAndSaysHowMuchItLeavesOut)
{
    HtmlTable table{"c", {{"a"}, {"b", HtmlTable::Align::end}}};
    for (std::size_t i = 0; i < most_rows + 234; ++i) {
        table.add_row({"x", "y"});
    }
    const auto html = table.html();
    EXPECT_NE(html.find("234 more are not shown here"), std::string::npos);
    EXPECT_NE(html.find("scope=\"col\""), std::string::npos);
    EXPECT_NE(html.find("scope=\"row\""), std::string::npos);
    EXPECT_NE(html.find("data-label=\"b\" class=\"n\""), std::string::npos);
}

} // namespace
} // namespace salvage::render
