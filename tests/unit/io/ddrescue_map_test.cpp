// ddrescue's mapfile.  The first sample follows the example of the GNU ddrescue manual, "Mapfile structure".
#include <gtest/gtest.h>

#include "salvage/io/ddrescue_map.hpp"
#include "support/assert_result.hpp"

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

} // namespace
} // namespace salvage::io
