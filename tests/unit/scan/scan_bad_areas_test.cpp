// The one pass over sectors that cannot be read.
#include <gtest/gtest.h>

#include "one_pass_support.hpp"
#include "support/assert_result.hpp"

namespace salvage::scan {
namespace {

using io::ExtentKind;
using test::Awkward;
using test::bytes_of;
using test::is_ok;
using test::looking_for;
using test::pattern_of;
using test::plant;
using test::random_bytes;
using test::range_of;
using test::read_bytes;

TEST(Scan, MapsUnreadableSectorsExactly)
{
    const auto bytes = random_bytes((4 * read_bytes) + 300, 7);
    Awkward source{bytes};
    source.unknown_bad = {range_of(512 * 3, 512 * 4), range_of(read_bytes - 512, read_bytes + 1024),
                          range_of(4 * read_bytes, (4 * read_bytes) + 300)};
    const auto result = scan(source, {}, {});
    ASSERT_TRUE(is_ok(result));
    std::vector<ByteRange> bad;
    for (const auto& extent : result->extents) {
        if (extent.kind == ExtentKind::unreadable) {
            bad.push_back(extent.range);
        }
    }
    EXPECT_EQ(bad, source.unknown_bad);
    EXPECT_EQ(result->unreadable_bytes.value, 512U + 1536U + 300U);
    EXPECT_FALSE(result->sha256.has_value()) << "a digest of what was not read";
    EXPECT_EQ(result->blocks.at(0).is_unreadable, true);
    EXPECT_GT(result->blocks.at(0).entropy, 7.9F) << "the rest of the block was read";
    EXPECT_EQ(result->blocks.at(1).is_unreadable, true);
    EXPECT_LT(result->blocks.at(1).entropy, 0) << "all of the last block failed";
}

TEST(Scan, BadAreasThatStartAmidASectorCostTheWholeSector)
{
    Awkward source{random_bytes(8192, 8)};
    source.unknown_bad = {range_of(1000, 1001)};
    const auto result = scan(source, {}, {});
    ASSERT_TRUE(is_ok(result));
    ASSERT_EQ(result->extents.size(), 3U);
    EXPECT_EQ(result->extents.at(1).range, range_of(512, 1024));
}

TEST(Scan, AsksABadSectorForAsManyTimesAsItIsHalved)
{
    Awkward source{random_bytes(read_bytes, 9)};
    source.unknown_bad = {range_of(51'200, 51'712)};
    ASSERT_TRUE(is_ok(scan(source, {}, {})));
    EXPECT_EQ(source.failed.load(), 10U) << "256 KiB are halved nine times on the way to 512 bytes";
}

TEST(Scan, GivesUpHalvingWhereEverythingFails)
{
    constexpr std::uint64_t size = 64U << 20U;
    Awkward source{Bytes(size)};
    source.unknown_bad = {range_of(0, size)};
    const auto result = scan(source, {}, {});
    ASSERT_TRUE(is_ok(result));
    EXPECT_EQ(result->unreadable_bytes.value, size);
    EXPECT_LT(source.reads.load(), 66'000U) << "131072 sectors would have been asked for one by one";
}

TEST(Scan, FindsNoPatternAcrossABadArea)
{
    Bytes bytes(4096, std::byte{'x'});
    plant(bytes, 1020, bytes_of("needle!!")); // 4 bytes before and behind the start of a bad sector
    plant(bytes, 1532, bytes_of("needle!!")); // and across its end
    plant(bytes, 100, bytes_of("needle!!"));
    plant(bytes, 1536, bytes_of("needle!!"));
    Awkward source{bytes};
    source.unknown_bad = {range_of(1024, 1536)};
    const auto result = scan(source, looking_for({pattern_of("needle!!")}), {});
    ASSERT_TRUE(is_ok(result));
    EXPECT_EQ(result->hits, (std::vector<Hit>{{.at = ByteOffset{100}}, {.at = ByteOffset{1536}}}));
}

TEST(Scan, DoesNotReadWhatIsKnownToBeBad)
{
    io::ReadCounters counters;
    const auto inner = io::make_counting(io::make_memory(random_bytes(100'000, 10), "m"), counters);
    const auto source = io::make_with_bad_areas(inner, {range_of(10'000, 90'000)});
    const auto result = scan(*source, {}, {});
    ASSERT_TRUE(is_ok(result));
    EXPECT_EQ(counters.bytes.load(), 20'000U);
    EXPECT_EQ(result->unreadable_bytes.value, 80'000U);
    EXPECT_FALSE(result->sha256.has_value());
}

} // namespace
} // namespace salvage::scan
