// Names of a phone in URLs, JSON and headers.  Judges: RFC 3986 (percent-encoding), RFC 6266 and 8187 (file names).
#include "web/keys.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "support/assert_result.hpp"

namespace salvage::web {
namespace {

using test::fails_with;
using test::is_ok;

TEST(Keys, EncodeEveryByteThatIsNotPlain)
{
    EXPECT_EQ(key_of("/media/0/DCIM"), "/media/0/DCIM");
    EXPECT_EQ(key_of("/a b+c&d=e?f#g%h"), "/a%20b%2Bc%26d%3De%3Ff%23g%25h");
    EXPECT_EQ(key_of("/caf\xC3\xA9"), "/caf%C3%A9");
    EXPECT_EQ(key_of("/caf\xE9\n<\"'>"), "/caf%E9%0A%3C%22%27%3E");
}

TEST(Keys, ComeBackAsTheyWereForEveryByte)
{
    std::string all = "/";
    for (int byte = 1; byte < 256; ++byte) {
        all += static_cast<char>(byte);
    }
    EXPECT_EQ(percent_decoded(key_of(all)), all);
    EXPECT_EQ(phone_path_of_key(key_of(all)).unwrap(), all);
}

TEST(Keys, ABrokenPercentIsNoText)
{
    EXPECT_EQ(percent_decoded("%"), std::nullopt);
    EXPECT_EQ(percent_decoded("a%2"), std::nullopt);
    EXPECT_EQ(percent_decoded("%zz"), std::nullopt);
    EXPECT_EQ(percent_decoded("%u0041"), std::nullopt);
    EXPECT_EQ(percent_decoded("%2525"), "%25"); // once
    EXPECT_EQ(percent_decoded("a+b"), "a+b");
}

TEST(Keys, QueriesAreSplitBeforeTheyAreDecoded)
{
    const auto query = parse_query("path=/a%26b%3Dc&x&y=&=z&path=second").unwrap();
    ASSERT_EQ(query.size(), 5U);
    EXPECT_EQ(query[0], (std::pair<std::string, std::string>{"path", "/a&b=c"}));
    EXPECT_EQ(query[1], (std::pair<std::string, std::string>{"x", ""}));
    EXPECT_EQ(query[3], (std::pair<std::string, std::string>{"", "z"}));
    EXPECT_TRUE(parse_query("").unwrap().empty());
    EXPECT_TRUE(fails_with(parse_query("a=%"), ErrorCode::invalid_argument));
    std::string many;
    for (int i = 0; i < 101; ++i) {
        many += "a=1&";
    }
    EXPECT_TRUE(fails_with(parse_query(many), ErrorCode::invalid_argument));
}

TEST(Keys, PathsOnThePhoneLeadNowhereElse)
{
    EXPECT_EQ(phone_path("/").unwrap(), "/");
    EXPECT_EQ(phone_path("/a//").unwrap(), "/a");
    EXPECT_EQ(phone_path("/..a/b..").unwrap(), "/..a/b..");
    for (const std::string_view bad : {"", "a", "..", "/..", "/../etc", "/a/../b", "/a/.", "/./a", "a/../../b"}) {
        EXPECT_TRUE(fails_with(phone_path(bad), ErrorCode::invalid_argument)) << bad;
    }
    EXPECT_TRUE(fails_with(phone_path(std::string_view{"/a\0b", 4}), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(phone_path("/" + std::string(40'000, 'a')), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(phone_path_of_key("/a/%2e%2E/b"), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(phone_path_of_key("/a%00b"), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(phone_path_of_key("/a%2"), ErrorCode::invalid_argument));
}

TEST(Keys, PathsOnThisComputerAreAbsolute)
{
    EXPECT_EQ(local_path("/home/me/phone.img").unwrap(), "/home/me/phone.img");
    for (const std::string_view bad : {"", "phone.img", "../phone.img", "/home/../etc", "/home/..", "~/x"}) {
        EXPECT_TRUE(fails_with(local_path(bad), ErrorCode::invalid_argument)) << bad;
    }
    EXPECT_TRUE(fails_with(local_path(std::string_view{"/a\0b", 4}), ErrorCode::invalid_argument));
}

TEST(Keys, NamesAreShownWithoutWhatMisleads)
{
    EXPECT_EQ(shown_name("caf\xC3\xA9 \xF0\x9F\x93\xB7"), "caf\xC3\xA9 \xF0\x9F\x93\xB7");
    EXPECT_EQ(shown_name("caf\xE9"), "caf\xEF\xBF\xBD");
    EXPECT_EQ(shown_name("photo\xE2\x80\xAEgpj.exe"), "photo\xEF\xBF\xBDgpj.exe"); // right-to-left override
    EXPECT_EQ(shown_name("a\r\nb\x1B"), "a\xEF\xBF\xBD\xEF\xBF\xBD"
                                        "b\xEF\xBF\xBD");
    EXPECT_EQ(shown_name("\xC0\xAF\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    EXPECT_EQ(shown_name("<img src=x>"), "<img src=x>"); // text is text; the page never makes HTML of it
}

TEST(Keys, AFileIsSavedUnderANameThatIsOne)
{
    EXPECT_EQ(attachment("IMG_1.jpg"), "attachment; filename=\"IMG_1.jpg\"; filename*=UTF-8''IMG_1.jpg");
    EXPECT_EQ(attachment("caf\xC3\xA9.txt"), "attachment; filename=\"caf__.txt\"; filename*=UTF-8''caf%C3%A9.txt");
    EXPECT_EQ(attachment("../../etc/passwd"),
              "attachment; filename=\".._.._etc_passwd\"; filename*=UTF-8''.._.._etc_passwd");
    EXPECT_EQ(attachment(".."), "attachment; filename=\"file\"; filename*=UTF-8''file");
    const auto header = attachment("a\"; x=\"b\r\nSet-Cookie: c=d\\");
    EXPECT_EQ(header.find('\r'), std::string::npos);
    EXPECT_EQ(header.find('\n'), std::string::npos);
    EXPECT_EQ(std::ranges::count(header, '"'), 2);
}

} // namespace
} // namespace salvage::web
