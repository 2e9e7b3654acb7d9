#include "salvage/core/utf8.hpp"

#include <array>
#include <clocale>
#include <cuchar>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace salvage {
namespace {

/// What the C library makes of the same bytes.
Utf8Character by_c_library(const std::string& text)
{
    std::mbstate_t state{};
    char32_t code = 0;
    const auto length = std::mbrtoc32(&code, text.data(), text.size(), &state);
    if (length == 0) {
        return {.code = 0, .length = 1}; // a character that is zero
    }
    // glibc reads codes beyond the last character, too.
    return length > text.size() || code > 0x10FFFF ? Utf8Character{} : Utf8Character{.code = code, .length = length};
}

class FirstCharacter : public ::testing::Test {
protected:
    void SetUp() override
    {
        if (std::setlocale(LC_CTYPE, "C.UTF-8") == nullptr) {
            GTEST_SKIP() << "the C library has no UTF-8 here";
        }
    }
    void TearDown() override { std::setlocale(LC_CTYPE, "C"); }

    static void expect_same(const std::string& text)
    {
        const auto ours = first_character(text);
        const auto theirs = by_c_library(text);
        EXPECT_EQ(ours.length, theirs.length) << ::testing::PrintToString(text);
        EXPECT_EQ(ours.code, theirs.code) << ::testing::PrintToString(text);
    }
};

TEST_F(FirstCharacter, IsWhatTheCLibraryReadsOfEveryCodePoint)
{
    std::mbstate_t state{};
    for (std::uint32_t code = 0; code <= 0x10FFFF; ++code) {
        if (code >= 0xD800 && code <= 0xDFFF) {
            continue;
        }
        std::array<char, 16> bytes{};
        const auto length = std::c32rtomb(bytes.data(), static_cast<char32_t>(code), &state);
        ASSERT_LE(length, 4U) << code;
        const auto character = first_character(std::string_view{bytes.data(), length});
        ASSERT_EQ(character.code, code);
        ASSERT_EQ(character.length, length);
        ASSERT_EQ(first_character(std::string_view{bytes.data(), length - 1}).length, 0U) << "cut off: " << code;
        std::string appended;
        append_character(appended, code);
        ASSERT_EQ(appended, (std::string_view{bytes.data(), length}));
    }
}

TEST_F(FirstCharacter, IsWhatTheCLibraryReadsOfAnyBytes)
{
    std::mt19937 random{7}; // NOLINT(cert-msc51-cpp): the same each time
    std::uniform_int_distribution<unsigned> any{0, 0xFF};
    for (unsigned lead = 0; lead < 0x100; ++lead) {
        for (unsigned second = 0; second < 0x100; ++second) {
            expect_same({static_cast<char>(lead), static_cast<char>(second)});
            for (int i = 0; i < 8; ++i) {
                const auto third = i < 4 ? 0x80U | (any(random) & 0x3FU) : any(random);
                expect_same({static_cast<char>(lead), static_cast<char>(second), static_cast<char>(third),
                             static_cast<char>(0x80U | (any(random) & 0x3FU))});
            }
        }
    }
}

TEST(Utf8, IsNothingButCharacters)
{
    EXPECT_TRUE(is_utf8(""));
    EXPECT_TRUE(is_utf8("Öl № 5 日本 😀"));
    EXPECT_FALSE(is_utf8("Öl\xFF"));
    EXPECT_FALSE(is_utf8("cut \xE5\xB1"));
    std::string half;
    append_character(half, 0xD800);
    EXPECT_FALSE(is_utf8(half)) << "half of a surrogate pair";
}

TEST_F(FirstCharacter, OfNothingIsNone)
{
    EXPECT_EQ(first_character("").length, 0U);
}

} // namespace
} // namespace salvage
