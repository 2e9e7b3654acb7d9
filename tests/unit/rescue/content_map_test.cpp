// What a dump is made of, summed up: nothing is lost and nothing counted twice.
#include "salvage/rescue/content_map.hpp"

#include <gtest/gtest.h>

namespace salvage::rescue {
namespace {

constexpr std::uint64_t block = 1000;

ByteRange range_of(std::uint64_t start, std::uint64_t end)
{
    return ByteRange::between(ByteOffset{start}, ByteOffset{end});
}

/// 4.5 blocks: encrypted, plain, zero, encrypted, half a block of plain.
scan::ScanResult some_scan()
{
    scan::ScanResult out;
    out.range = range_of(0, 4500);
    out.block = ByteCount{block};
    out.blocks = {{.entropy = 7.99F, .is_zero = false, .is_unreadable = false},
                  {.entropy = 5.0F, .is_zero = false, .is_unreadable = false},
                  {.entropy = 0.0F, .is_zero = true, .is_unreadable = false},
                  {.entropy = 7.95F, .is_zero = false, .is_unreadable = true},
                  {.entropy = 4.0F, .is_zero = false, .is_unreadable = false}};
    out.extents = {{.range = range_of(0, 2500), .kind = io::ExtentKind::data},
                   {.range = range_of(2500, 3000), .kind = io::ExtentKind::hole},
                   {.range = range_of(3000, 3200), .kind = io::ExtentKind::data},
                   {.range = range_of(3200, 3300), .kind = io::ExtentKind::unreadable},
                   {.range = range_of(3300, 4500), .kind = io::ExtentKind::data}};
    return out;
}

std::uint64_t bytes(const Mixture& mixture, Content kind)
{
    return mixture.of(kind).value;
}

TEST(ContentMap, CountsHolesAndUnreadableBytesExactly)
{
    const ContentMap map{some_scan()};
    const auto all = map.mixture(map.range());
    EXPECT_EQ(bytes(all, Content::encrypted), 1000 + 900U);
    EXPECT_EQ(bytes(all, Content::plain), 1000 + 500U);
    EXPECT_EQ(bytes(all, Content::zero), 500U);
    EXPECT_EQ(bytes(all, Content::hole), 500U);
    EXPECT_EQ(bytes(all, Content::unreadable), 100U);
    EXPECT_EQ(all.total().value, 4500U);
}

TEST(ContentMap, CellsAddUpForAnyRangeAndNumber)
{
    const ContentMap map{some_scan()};
    for (std::uint64_t start = 0; start < 4500; start += 499) {
        for (const std::size_t most : {1U, 2U, 3U, 5U, 1000U}) {
            const auto cells = map.cells(range_of(start, 9000), most);
            EXPECT_LE(cells.size(), most);
            ByteOffset at{start};
            for (const auto& cell : cells) {
                EXPECT_EQ(cell.range.start(), at);
                EXPECT_EQ(cell.total(), cell.range.size());
                at = cell.range.end();
            }
            EXPECT_EQ(at.value, 4500U) << "from " << start << " in " << most;
        }
    }
}

TEST(ContentMap, ACellIsWhatMostOfItIs)
{
    const ContentMap map{some_scan()};
    EXPECT_EQ(map.mixture(range_of(0, 1900)).main_kind(), Content::encrypted);
    EXPECT_EQ(map.mixture(range_of(800, 1900)).main_kind(), Content::plain);
    EXPECT_EQ(map.mixture(range_of(3200, 3300)).main_kind(), Content::unreadable);
}

TEST(ContentMap, WhatWasNotMeasuredIsNoGuess)
{
    auto scan = some_scan();
    scan.blocks.clear();
    scan.extents.clear();
    const ContentMap map{scan};
    EXPECT_EQ(bytes(map.mixture(map.range()), Content::unmeasured), 4500U);
    EXPECT_LT(map.mixture(map.range()).entropy, 0);
}

TEST(ContentMap, OneByteOverAndOverIsEmpty)
{
    auto scan = some_scan();
    scan.blocks.at(1).entropy = 0.01F;
    const ContentMap map{scan};
    EXPECT_EQ(bytes(map.mixture(range_of(1000, 2000)), Content::zero), 1000U);
}

TEST(ContentMap, NothingScannedGivesNoCells)
{
    const ContentMap map{scan::ScanResult{}};
    EXPECT_TRUE(map.cells(range_of(0, 100), 10).empty());
    EXPECT_EQ(map.mixture(range_of(0, 100)).total().value, 0U);
}

} // namespace
} // namespace salvage::rescue
