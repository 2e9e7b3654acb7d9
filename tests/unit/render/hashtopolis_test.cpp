// What the Hashtopolis agent reads: each rule of its contract, and the ways in which its handler loses things.
#include <cerrno>
#include <limits>
#include <regex>

#include <gtest/gtest.h>

#include "salvage/render/hashtopolis.hpp"
#include "support/assert_result.hpp"

namespace salvage::render {
namespace {

using namespace std::chrono_literals;
using salvage::test::fails_with;
using salvage::test::is_ok;

struct Bench {
    explicit Bench(std::uint64_t length)
        : lines{length, [this](std::string_view line) -> Result<> {
                    out.emplace_back(line);
                    return {};
                }}
    {
    }
    std::vector<std::string> out;
    HashtopolisLines lines;
};

TEST(Hashtopolis, GetsAnIntegerShareAndSpeedEveryFiveSeconds)
{
    Bench bench{1000};
    for (int second = 0; second <= 20; ++second) {
        ASSERT_TRUE(is_ok(bench.lines.progress(static_cast<std::uint64_t>(second) * 7, second * 1s)));
    }
    EXPECT_EQ(bench.out,
              (std::vector<std::string>{"STATUS 350 7\n", "STATUS 700 7\n", "STATUS 1050 7\n", "STATUS 1400 7\n"}));
}

TEST(Hashtopolis, IsNotToldTheEndBeforeItIs)
{
    Bench bench{1000};
    ASSERT_TRUE(is_ok(bench.lines.progress(0, 0s)));
    ASSERT_TRUE(is_ok(bench.lines.progress(1000, 10s)));
    ASSERT_TRUE(is_ok(bench.lines.finish(1000, 10s)));
    EXPECT_EQ(bench.out, (std::vector<std::string>{"STATUS 9999 100\n", "STATUS 10000 100\n"}));
}

TEST(Hashtopolis, GetsNothingAfterTheLastLine)
{
    Bench bench{1000};
    ASSERT_TRUE(is_ok(bench.lines.finish(1000, 1s)));
    ASSERT_TRUE(is_ok(bench.lines.finish(1000, 2s)));
    ASSERT_TRUE(is_ok(bench.lines.stop(1000, 2s)));
    ASSERT_TRUE(is_ok(bench.lines.progress(1000, 100s)));
    EXPECT_TRUE(fails_with(bench.lines.hit("a", as_bytes("b"), 100s), ErrorCode::internal));
    EXPECT_EQ(bench.out, std::vector<std::string>{"STATUS 10000 0\n"});
}

// A hit travels with the next STATUS line.
TEST(Hashtopolis, GetsAHitBeforeAStatusLine)
{
    Bench bench{1000};
    ASSERT_TRUE(is_ok(bench.lines.progress(0, 0s)));
    ASSERT_TRUE(is_ok(bench.lines.progress(100, 1s)));
    ASSERT_TRUE(is_ok(bench.lines.hit("phone.img", as_bytes("pa:ss"), 1s)));
    EXPECT_EQ(bench.out, (std::vector<std::string>{"phone.img:$HEX[70613a7373]\n", "STATUS 1000 100\n"}));
}

TEST(Hashtopolis, GetsABenchmarkThatIsNoEnd)
{
    Bench bench{10};
    ASSERT_TRUE(is_ok(bench.lines.progress(0, 0s)));
    ASSERT_TRUE(is_ok(bench.lines.stop(10, 1s)));
    EXPECT_EQ(bench.out, std::vector<std::string>{"STATUS 9999 10\n"});
}

TEST(Hashtopolis, CountsAResumedChunkFromItsStartAndItsSpeedFromNow)
{
    Bench bench{1000};
    ASSERT_TRUE(is_ok(bench.lines.progress(500, 0s)));
    ASSERT_TRUE(is_ok(bench.lines.progress(600, 10s)));
    EXPECT_EQ(bench.out, std::vector<std::string>{"STATUS 6000 10\n"});
}

TEST(Hashtopolis, GetsIntegersWhateverTheNumbers)
{
    const std::regex form{"STATUS ([0-9]{1,5}) ([0-9]{1,20})\n"};
    const auto most = std::numeric_limits<std::uint64_t>::max();
    for (const std::uint64_t length : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{3}, most / 2, most}) {
        Bench bench{length};
        ASSERT_TRUE(is_ok(bench.lines.progress(0, 0s)));
        ASSERT_TRUE(is_ok(bench.lines.progress(length, 6s)));
        ASSERT_TRUE(is_ok(bench.lines.progress(most, 12s)));
        ASSERT_TRUE(is_ok(bench.lines.progress(1, 18s))); // never backwards
        ASSERT_TRUE(is_ok(bench.lines.finish(length, 18s)));
        std::uint64_t last = 0;
        for (const auto& line : bench.out) {
            std::smatch match;
            ASSERT_TRUE(std::regex_match(line, match, form)) << line;
            EXPECT_GE(std::stoull(match[1]), last);
            last = std::stoull(match[1]);
        }
        EXPECT_EQ(last, 10'000U);
    }
}

TEST(Hashtopolis, HasNamesThatTheServerDoesNotCutApart)
{
    EXPECT_EQ(hashtopolis_hit("a:b\n.img", as_bytes("")), "a_b_.img:$HEX[]");
    EXPECT_EQ(hashtopolis_hit("STATUS 1 2", as_bytes("x")), "_STATUS 1 2:$HEX[78]");
}

TEST(Hashtopolis, PassesOnWhatWritingSays)
{
    HashtopolisLines lines{10, [](std::string_view) -> Result<> { return from_errno(EPIPE, "no", "stdout"); }};
    EXPECT_TRUE(fails_with(lines.finish(10, 0s), ErrorCode::io));
}

} // namespace
} // namespace salvage::render
