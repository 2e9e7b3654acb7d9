// The order in which a failing device is asked.
#include <algorithm>

#include <gtest/gtest.h>

#include "rescue/read_flash_strategy.hpp"

namespace salvage::rescue {
namespace {

using io::BlockStatus;
using io::MapBlock;

constexpr StrategyLimits limits{
    .request = ByteCount{16384}, .cluster = ByteCount{4096}, .sector = ByteCount{512}, .retries = 1};

ByteRange range(std::uint64_t start, std::uint64_t end)
{
    return ByteRange::between(ByteOffset{start}, ByteOffset{end});
}

/// Plays a device whose bad areas are known; every request is noted.
std::vector<ByteRange> play(io::RescueMap& map, const std::vector<ByteRange>& bad, std::vector<ByteRange> domain,
                            const StrategyLimits& with = limits)
{
    std::vector<ByteRange> asked;
    ReadStrategy strategy{map, std::move(domain), with};
    while (const auto wanted = strategy.next()) {
        asked.push_back(*wanted);
        if (asked.size() > 100'000) {
            ADD_FAILURE() << "the strategy does not end";
            return asked;
        }
        auto failed_at = wanted->end();
        for (const auto& area : bad) {
            if (const auto hit = area.intersection(*wanted); !hit.is_empty()) {
                failed_at = std::min(failed_at, hit.start());
            }
        }
        map.set(ByteRange::between(wanted->start(), failed_at), BlockStatus::finished);
        if (failed_at == wanted->end()) {
            strategy.succeeded();
        } else {
            strategy.failed(failed_at);
        }
    }
    return asked;
}

TEST(ReadStrategy, ReadsAHealthyDeviceInLargeRequestsOnce)
{
    io::RescueMap map{ByteCount{40000}};
    const auto asked = play(map, {}, {range(0, 40000)});
    EXPECT_EQ(asked, (std::vector{range(0, 16384), range(16384, 32768), range(32768, 40000)}));
    EXPECT_EQ(map.blocks(), (std::vector{MapBlock{.range = range(0, 40000), .status = BlockStatus::finished}}));
}

TEST(ReadStrategy, EndsWithExactlyTheBadSectorsMarked)
{
    io::RescueMap map{ByteCount{1U << 20U}};
    const std::vector bad{range(512, 1024), range(100'352, 101'376), range(200'704, 201'216),
                          range(1'048'064, 1'048'576)};
    play(map, bad, {range(0, 1U << 20U)});
    EXPECT_EQ(map.unfinished(range(0, 1U << 20U)), bad);
    EXPECT_EQ(map.total(BlockStatus::bad, range(0, 1U << 20U)), ByteCount{2560});
}

TEST(ReadStrategy, SkipsAroundAFailureBeforeItComesBack)
{
    io::RescueMap map{ByteCount{1U << 20U}};
    const auto asked = play(map, {range(65536, 66048)}, {range(0, 1U << 20U)});
    const auto failed = std::ranges::find(asked, range(65536, 81920));
    ASSERT_NE(failed, asked.end());
    // The cluster and as much again are left out at first.
    EXPECT_EQ((failed + 1)->start(), ByteOffset{65536 + 8192});
}

TEST(ReadStrategy, LeavesADeadStretchBehindInFewRequests)
{
    io::RescueMap map{ByteCount{64U << 20U}};
    const std::vector dead{range(1U << 20U, 33U << 20U)};
    std::size_t in_first_pass = 0;
    for (const auto& asked : play(map, dead, {range(0, 64U << 20U)},
                                  {.request = ByteCount{1U << 20U},
                                   .cluster = ByteCount{65536},
                                   .sector = ByteCount{65536},
                                   .retries = 0})) {
        if (asked.start().value >= 33U << 20U) {
            break;
        }
        ++in_first_pass;
    }
    EXPECT_LT(in_first_pass, 70U);
    EXPECT_EQ(map.unfinished(range(0, 64U << 20U)), dead);
}

TEST(ReadStrategy, TouchesNothingOutsideItsDomain)
{
    io::RescueMap map{ByteCount{1U << 20U}};
    const std::vector domain{range(4096, 12288), range(65536, 131072)};
    for (const auto& asked : play(map, {range(8192, 8704), range(70000, 71000)}, domain)) {
        EXPECT_TRUE(domain[0].contains(asked) || domain[1].contains(asked)) << asked.start().value;
    }
    EXPECT_EQ(map.total(BlockStatus::untried, range(0, 1U << 20U)), ByteCount{(1U << 20U) - 8192 - 65536});
}

TEST(ReadStrategy, AsksForBadSectorsAgainAsOftenAsWanted)
{
    for (const auto retries : {0U, 1U, 3U}) {
        io::RescueMap map{ByteCount{65536}};
        map.set(range(0, 65536), BlockStatus::finished);
        map.set(range(1024, 2048), BlockStatus::bad);
        auto with = limits;
        with.retries = retries;
        EXPECT_EQ(play(map, {range(1024, 1536)}, {range(0, 65536)}, with).size(), retries == 0 ? 0U : retries + 1U);
        EXPECT_EQ(map.total(BlockStatus::bad, range(0, 65536)), ByteCount{retries == 0 ? 1024U : 512U});
    }
}

TEST(ReadStrategy, GoesOnFromEveryStatusThatAMapMayHold)
{
    io::RescueMap map{ByteCount{65536}};
    map.set(range(0, 8192), BlockStatus::finished);
    map.set(range(8192, 12288), BlockStatus::untrimmed);
    map.set(range(12288, 16384), BlockStatus::unscraped);
    map.set(range(16384, 20480), BlockStatus::bad);
    play(map, {range(13312, 13824)}, {range(0, 65536)});
    EXPECT_EQ(map.unfinished(range(0, 65536)), (std::vector{range(13312, 13824)}));
}

TEST(ReadStrategy, HandlesAnEndThatIsNoWholeSector)
{
    io::RescueMap map{ByteCount{10'100}};
    play(map, {range(10'000, 10'100)}, {range(0, 10'100)});
    EXPECT_EQ(map.unfinished(range(0, 10'100)), (std::vector{range(10'000, 10'100)}));
}

} // namespace
} // namespace salvage::rescue
