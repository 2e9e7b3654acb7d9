// Who may ask: every way in which a request may not be the page's own.
#include "web/guard.hpp"

#include <set>

#include <gtest/gtest.h>

#include "support/assert_result.hpp"

namespace salvage::web {
namespace {

/// Numbers that count up, so that no two secrets are equal and a test knows what it sees.
class CountingEntropy final : public Entropy {
public:
    Result<> fill(std::span<std::byte> into) override
    {
        for (auto& byte : into) {
            byte = static_cast<std::byte>(next_++ & 0xFFU);
        }
        return {};
    }

private:
    unsigned next_{0};
};

class GuardTest : public ::testing::Test {
protected:
    GuardTest() : guard{Guard::make(8421, entropy).unwrap()}
    {
        const auto set = guard->set_cookie();
        own.host = "127.0.0.1:8421";
        own.cookies = set.substr(0, set.find(';'));
        own.origin = "http://127.0.0.1:8421";
        own.token = guard->token();
    }
    [[nodiscard]] int status(const Claims& claims, Reach reach) const
    {
        const auto refused = guard->refusal(claims, reach);
        return refused ? refused->status : 200;
    }

    CountingEntropy entropy;
    std::unique_ptr<Guard> guard;
    Claims own; ///< of the page itself
};

TEST_F(GuardTest, LetsThePageItselfReadAndWrite)
{
    EXPECT_EQ(status(own, Reach::reader), 200);
    EXPECT_EQ(status(own, Reach::writer), 200);
    own.host = "localhost:8421";
    own.origin = "http://localhost:8421";
    EXPECT_EQ(status(own, Reach::writer), 200);
    own.origin.reset(); // browsers send none with a plain GET
    EXPECT_EQ(status(own, Reach::reader), 200);
}

TEST_F(GuardTest, RefusesEveryOtherHost)
{
    for (const std::string host : {"", "127.0.0.1", "127.0.0.1:80", "evil.example:8421", "127.0.0.1.evil.example:8421",
                                   "127.0.0.1:8421.evil.example", "[::1]:8421", "LOCALHOST:8421", "0x7f.1:8421"}) {
        auto claims = own;
        claims.host = host;
        claims.origin = "http://" + host;
        EXPECT_EQ(status(claims, Reach::anyone), 403) << host;
        EXPECT_EQ(status(claims, Reach::writer), 403) << host;
    }
}

TEST_F(GuardTest, RefusesOtherOriginsOfTheSameComputer)
{
    for (const std::string origin : {"null", "", "http://127.0.0.1:8422", "http://127.0.0.1", "https://127.0.0.1:8421",
                                     "http://localhost:8421", "http://evil.example", "http://127.0.0.1:8421/"}) {
        auto claims = own;
        claims.origin = origin;
        EXPECT_EQ(status(claims, Reach::reader), 403) << origin;
    }
}

TEST_F(GuardTest, BelievesTheBrowserThatARequestComesFromElsewhere)
{
    for (const std::string site : {"cross-site", "same-site"}) {
        auto claims = own;
        claims.origin.reset();
        claims.fetch_site = site;
        EXPECT_EQ(status(claims, Reach::reader), 403) << site;
        EXPECT_EQ(status(claims, Reach::anyone), 200) << site; // a link to the page may stand anywhere
    }
    own.fetch_site = "none"; // typed, or a bookmark
    EXPECT_EQ(status(own, Reach::reader), 200);
}

TEST_F(GuardTest, NeedsTheCookieForReadingAndTheTokenForWriting)
{
    auto claims = own;
    claims.cookies.clear();
    EXPECT_EQ(status(claims, Reach::reader), 401);
    EXPECT_EQ(status(claims, Reach::writer), 401);
    claims = own;
    claims.cookies.back() = claims.cookies.back() == '0' ? '1' : '0';
    EXPECT_EQ(status(claims, Reach::reader), 401);
    claims = own;
    claims.token.reset();
    EXPECT_EQ(status(claims, Reach::reader), 200);
    EXPECT_EQ(status(claims, Reach::writer), 403);
    claims.token = std::string(64, '0');
    EXPECT_EQ(status(claims, Reach::writer), 403);
    claims.token = "";
    EXPECT_EQ(status(claims, Reach::writer), 403);
}

TEST_F(GuardTest, FindsItsCookieAmongOthers)
{
    own.cookies = "a=b; " + own.cookies + " ;salvage-99=" + std::string(64, 'f');
    EXPECT_EQ(status(own, Reach::reader), 200);
    EXPECT_EQ(find_cookie("x=1; y=2", "y"), "2");
    EXPECT_EQ(find_cookie("yy=1;y", "y"), std::nullopt);
    EXPECT_EQ(find_cookie("y=1; y=2", "y"), "1");
    EXPECT_EQ(find_cookie("", "y"), std::nullopt);
}

TEST_F(GuardTest, ALinkIsGoodForOneUseAndThenThereIsAnother)
{
    const auto token_in = [](const std::string& link) { return link.substr(link.find('=') + 1); };
    const auto first = token_in(guard->link());
    EXPECT_EQ(first.size(), 64U);
    EXPECT_FALSE(guard->spend("").unwrap());
    EXPECT_FALSE(guard->spend(first.substr(1)).unwrap());
    EXPECT_EQ(token_in(guard->link()), first); // a wrong guess spends nothing
    EXPECT_TRUE(guard->spend(first).unwrap());
    EXPECT_FALSE(guard->spend(first).unwrap());
    const auto second = token_in(guard->link());
    EXPECT_NE(second, first);
    EXPECT_TRUE(guard->spend(second).unwrap());
}

TEST_F(GuardTest, NoTwoSecretsAreOne)
{
    const std::set<std::string> all{guard->set_cookie(), guard->token(), guard->link()};
    EXPECT_EQ(all.size(), 3U);
    EXPECT_EQ(guard->link().find(guard->token()), std::string::npos);
    EXPECT_EQ(guard->set_cookie().find(guard->token()), std::string::npos);
}

TEST(Guard, ComparesSecretsOfAnyLength)
{
    EXPECT_TRUE(is_same_secret("", ""));
    EXPECT_TRUE(is_same_secret("abc", "abc"));
    EXPECT_FALSE(is_same_secret("abc", "abd"));
    EXPECT_FALSE(is_same_secret("abc", "ab"));
}

} // namespace
} // namespace salvage::web
