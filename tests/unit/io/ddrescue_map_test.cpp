// ddrescue's mapfile.  The first sample follows the example of the GNU ddrescue manual, "Mapfile structure".
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/io/ddrescue_map.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::io {
namespace {

using test::fails_with;
using test::is_ok;

constexpr std::string_view usual = "# Mapfile. Created by GNU ddrescue version 1.27\n"
                                   "# Command line: ddrescue -d -c18 /dev/fd0 fdimage mapfile\n"
                                   "# Start time:   2022-08-01 10:00:00\n"
                                   "# current_pos  current_status  current_pass\n"
                                   "0x00120000     ?               1\n"
                                   "#      pos        size  status\n"
                                   "0x00000000  0x00117000  +\n"
                                   "0x00117000  0x00000200  -\n"
                                   "0x00117200  0x00001000  /\n"
                                   "0x00118200  0x00007E00  *\n"
                                   "0x00120000  0x00048000  ?\n"
                                   "0x00168000  0x00001000  +\n"
                                   "0x00169000  0x00001000  -\n";

ByteRange range(std::uint64_t start, std::uint64_t end)
{
    return ByteRange::between(ByteOffset{start}, ByteOffset{end});
}

TEST(DdrescueMap, ListsWhatIsNotFinished)
{
    const auto bad = parse_bad_areas(usual);
    ASSERT_TRUE(is_ok(bad));
    EXPECT_EQ(*bad, (std::vector{range(0x117000, 0x168000), range(0x169000, 0x16A000)}));
}

TEST(DdrescueMap, AcceptsOldMapsWithoutAPassAndDecimalNumbers)
{
    const auto bad = parse_bad_areas("0 +\r\n0 512 +\r\n512 1024 -\r\n");
    ASSERT_TRUE(is_ok(bad));
    EXPECT_EQ(*bad, (std::vector{range(512, 1536)}));
}

TEST(DdrescueMap, CountsWhatLiesBeforeItsFirstBlockAsNotTried)
{
    const auto bad = parse_bad_areas("0 + 1\n0x1000 0x1000 +\n");
    ASSERT_TRUE(is_ok(bad));
    EXPECT_EQ(*bad, (std::vector{range(0, 0x1000)}));
}

TEST(DdrescueMap, MayBeFinished)
{
    const auto bad = parse_bad_areas("0x0 + 1\n0x0 0x1000 +\n");
    ASSERT_TRUE(is_ok(bad));
    EXPECT_TRUE(bad->empty());
}

TEST(DdrescueMap, RefusesWhatIsNone)
{
    for (const std::string_view text :
         {"", "# only comments\n", "hello\n", "0 + 1 extra\n", "0 x\n", "0x + 1\n", "0 + 1\n0 512\n",
          "0 + 1\n0 512 !\n", "0 + 1\n0 512 + more\n", "0 + 1\n-1 512 +\n", "0 + 1\n0xFFFFFFFFFFFFFFFF 2 -\n",
          "0 + 1\n0x1FFFFFFFFFFFFFFFF 2 -\n", "0 + 1\n0 512 +\n600 10 -\n", "0 + 1\n0 512 +\n500 100 -\n",
          "0 512 +\n"}) {
        const auto result = parse_bad_areas(text);
        ASSERT_TRUE(fails_with(result, ErrorCode::malformed)) << text;
        EXPECT_TRUE(result.error().where.has_value()) << text;
    }
}

TEST(DdrescueMap, PointsAtTheLineThatIsWrong)
{
    const auto result = parse_bad_areas("# map\n0 + 1\n0 512 +\n512 512 broken\n");
    ASSERT_TRUE(fails_with(result, ErrorCode::malformed));
    EXPECT_EQ(result.error().where->chain.front().at, ByteOffset{20});
}

TEST(DdrescueMap, EndsInAValueOrAnErrorHoweverItIsDamaged)
{
    for (std::size_t cut = 0; cut < usual.size(); ++cut) {
        const auto result = parse_bad_areas(usual.substr(0, cut));
        EXPECT_TRUE(result.has_value() || !result.error().what.empty());
    }
    for (std::size_t at = 0; at < usual.size(); ++at) {
        for (const char c : {'\0', ' ', '\n', '9', '-', '\x7f'}) {
            std::string changed{usual};
            changed[at] = c;
            const auto result = parse_bad_areas(changed);
            EXPECT_TRUE(result.has_value() || !result.error().what.empty());
        }
    }
}

TEST(RescueMap, BeginsWithNothingTried)
{
    const RescueMap map{ByteCount{4096}};
    EXPECT_EQ(map.blocks(), (std::vector{MapBlock{.range = range(0, 4096), .status = BlockStatus::untried}}));
    EXPECT_FALSE(map.is_finished(range(0, 1)));
    EXPECT_TRUE(RescueMap{}.blocks().empty());
}

TEST(RescueMap, JoinsNeighboursThatAgree)
{
    RescueMap map{ByteCount{300}};
    map.set(range(0, 100), BlockStatus::finished);
    map.set(range(200, 300), BlockStatus::finished);
    ASSERT_EQ(map.blocks().size(), 3U);
    map.set(range(100, 200), BlockStatus::finished);
    EXPECT_EQ(map.blocks(), (std::vector{MapBlock{.range = range(0, 300), .status = BlockStatus::finished}}));
    EXPECT_TRUE(map.is_finished(range(0, 300)));
    EXPECT_FALSE(map.is_finished(range(0, 301))); // beyond the end nothing is known
}

TEST(RescueMap, PassesOverWhatLiesBeyondItsEnd)
{
    RescueMap map{ByteCount{100}};
    map.set(range(50, 500), BlockStatus::bad);
    map.set(range(100, 200), BlockStatus::finished);
    EXPECT_EQ(map.size(), ByteCount{100});
    EXPECT_EQ(map.total(BlockStatus::bad, range(0, 1000)), ByteCount{50});
}

TEST(RescueMap, GrowsAndShrinks)
{
    RescueMap map{ByteCount{100}};
    map.set(range(0, 100), BlockStatus::finished);
    map.resize(ByteCount{200});
    map.resize(ByteCount{150});
    EXPECT_EQ(map.blocks(), (std::vector{MapBlock{.range = range(0, 100), .status = BlockStatus::finished},
                                         MapBlock{.range = range(100, 150), .status = BlockStatus::untried}}));
    map.resize(ByteCount{50});
    EXPECT_EQ(map.blocks(), (std::vector{MapBlock{.range = range(0, 50), .status = BlockStatus::finished}}));
}

TEST(RescueMap, FindsTheNextAreaOfAStatus)
{
    RescueMap map{ByteCount{1000}};
    map.set(range(100, 200), BlockStatus::bad);
    map.set(range(300, 400), BlockStatus::bad);
    EXPECT_EQ(map.find(BlockStatus::bad, ByteOffset{0}, ByteOffset{1000}), range(100, 200));
    EXPECT_EQ(map.find(BlockStatus::bad, ByteOffset{150}, ByteOffset{180}), range(150, 180));
    EXPECT_EQ(map.find(BlockStatus::bad, ByteOffset{200}, ByteOffset{1000}), range(300, 400));
    EXPECT_FALSE(map.find(BlockStatus::bad, ByteOffset{200}, ByteOffset{300}).has_value());
    EXPECT_FALSE(map.find(BlockStatus::finished, ByteOffset{0}, ByteOffset{1000}).has_value());
}

TEST(RescueMap, IsWhatAByteByByteRecordWouldBe)
{
    constexpr std::size_t size = 97;
    constexpr std::array statuses{BlockStatus::untried, BlockStatus::untrimmed, BlockStatus::unscraped,
                                  BlockStatus::bad, BlockStatus::finished};
    std::mt19937 random{3};
    for (int round = 0; round < 300; ++round) {
        RescueMap map{ByteCount{size}};
        std::vector<BlockStatus> record(size, BlockStatus::untried);
        for (int change = 0; change < 40; ++change) {
            const auto start = random() % size;
            const auto end = start + (random() % (size - start + 1));
            const auto status = statuses[random() % statuses.size()];
            map.set(range(start, end), status);
            std::fill(record.begin() + static_cast<std::ptrdiff_t>(start),
                      record.begin() + static_cast<std::ptrdiff_t>(end), status);
            std::vector<BlockStatus> told;
            for (std::size_t i = 0; i < map.blocks().size(); ++i) {
                const auto& block = map.blocks()[i];
                ASSERT_EQ(block.range.start().value, told.size());
                ASSERT_FALSE(block.range.is_empty());
                ASSERT_TRUE(i == 0 || map.blocks()[i - 1].status != block.status);
                told.insert(told.end(), static_cast<std::size_t>(block.range.size().value), block.status);
            }
            ASSERT_EQ(told, record);
        }
        const auto again = parse_rescue_map(to_mapfile(map, {}, "a\nb"));
        ASSERT_TRUE(is_ok(again));
        EXPECT_EQ(again->blocks(), map.blocks());
    }
}

TEST(RescueMap, KeepsEveryStatusOfAMapfile)
{
    const auto map = parse_rescue_map(usual);
    ASSERT_TRUE(is_ok(map));
    ASSERT_EQ(map->blocks().size(), 7U);
    EXPECT_EQ(map->blocks()[2].status, BlockStatus::unscraped);
    EXPECT_EQ(map->size(), ByteCount{0x16A000});
    const auto text = to_mapfile(*map, {.position = ByteOffset{0x120000}, .status = '?', .pass = 1}, "x");
    EXPECT_EQ(text.substr(text.find("0x00120000     ?")), std::string{usual.substr(usual.find("0x00120000     ?"))});
}

TEST(RescueMap, IsReadByDdrescuelog)
{
    if (!test::run_command("ddrescuelog --version")) {
        GTEST_SKIP() << "GNU ddrescue is not installed";
    }
    RescueMap map{ByteCount{0xF00000000}};
    map.set(range(0, 0x800000000), BlockStatus::finished);
    map.set(range(0x800000200, 0x800000400), BlockStatus::bad);
    map.set(range(0x900000000, 0x900010000), BlockStatus::untrimmed);
    map.set(range(0xA00000000, 0xA00000400), BlockStatus::unscraped);
    const test::TemporaryFolder folder;
    const auto text = to_mapfile(map, {.position = ByteOffset{0x800000000}, .status = '*', .pass = 1}, "by salvage");
    const auto path = folder.write("map", as_bytes(text)).string();
    EXPECT_EQ(test::run_command("ddrescuelog -l- " + path), "67108865\n");
    EXPECT_EQ(test::run_command("ddrescuelog -l/ " + path), "83886080\n83886081\n");
    EXPECT_EQ(test::run_command("ddrescuelog -l* " + path + " | wc -l"), "128\n");
    const auto told = test::run_command("ddrescuelog -t " + path);
    ASSERT_TRUE(told.has_value());
    EXPECT_NE(told->find("current status: trimming"), std::string::npos) << *told;
}

} // namespace
} // namespace salvage::io
