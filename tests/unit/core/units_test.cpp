// Strong types: which sums exist, and what the checked ones refuse.
#include <limits>
#include <type_traits>

#include <gtest/gtest.h>

#include "salvage/core/units.hpp"

namespace salvage {
namespace {

using namespace salvage::literals;

template <typename Left, typename Right>
concept Addable = requires(Left left, Right right) { left + right; };
template <typename Left, typename Right>
concept Subtractable = requires(Left left, Right right) { left - right; };
template <typename Left, typename Right>
concept Comparable = requires(Left left, Right right) { left < right; };

// Only the sums that mean something compile.
static_assert(Addable<ByteOffset, ByteCount>);
static_assert(Addable<ByteCount, ByteCount>);
static_assert(!Addable<ByteOffset, ByteOffset>);
static_assert(!Addable<ByteCount, ByteOffset>);
static_assert(!Addable<ByteOffset, std::uint64_t>);
static_assert(!Addable<ByteCount, int>);
static_assert(!Addable<SectorIndex, ByteCount>);
static_assert(!Addable<SectorCount, ByteCount>);
static_assert(Subtractable<ByteOffset, ByteOffset>);
static_assert(!Subtractable<ByteCount, ByteOffset>);
static_assert(std::is_same_v<decltype(ByteOffset{} - ByteOffset{}), ByteCount>);
static_assert(!Comparable<ByteOffset, ByteCount>);
static_assert(!Comparable<SectorIndex, SectorCount>);
static_assert(!Comparable<ByteCount, std::uint64_t>);
static_assert(!std::is_convertible_v<std::uint64_t, ByteOffset>);
static_assert(!std::is_convertible_v<std::uint64_t, ByteCount>);
static_assert(!std::is_convertible_v<ByteCount, std::uint64_t>);

constexpr auto largest = std::numeric_limits<std::uint64_t>::max();

ByteRange range(std::uint64_t start, std::uint64_t end)
{
    return ByteRange::between(ByteOffset{start}, ByteOffset{end});
}

TEST(CheckedSums, AreRefusedWhenTheyDoNotFit)
{
    EXPECT_EQ(checked_add(largest - 1, std::uint64_t{1}), largest);
    EXPECT_EQ(checked_add(largest, std::uint64_t{1}), std::nullopt);
    EXPECT_EQ(checked_add(std::uint64_t{1}, largest), std::nullopt);
    EXPECT_EQ(checked_add(std::uint8_t{200}, std::uint8_t{55}), std::uint8_t{255});
    EXPECT_EQ(checked_add(std::uint8_t{200}, std::uint8_t{56}), std::nullopt);
    EXPECT_EQ(checked_multiply(std::uint64_t{0}, largest), 0U);
    EXPECT_EQ(checked_multiply(largest, std::uint64_t{1}), largest);
    EXPECT_EQ(checked_multiply(std::uint64_t{1} << 32U, std::uint64_t{1} << 31U), std::uint64_t{1} << 63U);
    EXPECT_EQ(checked_multiply(std::uint64_t{1} << 32U, std::uint64_t{1} << 32U), std::nullopt);
    EXPECT_EQ(checked_multiply(std::uint8_t{16}, std::uint8_t{16}), std::nullopt);
}

TEST(ByteRanges, CannotOverflow)
{
    EXPECT_TRUE(ByteRange::make(ByteOffset{largest}, ByteCount{0}).has_value());
    EXPECT_TRUE(ByteRange::make(ByteOffset{1}, ByteCount{largest - 1}).has_value());
    EXPECT_FALSE(ByteRange::make(ByteOffset{1}, ByteCount{largest}).has_value());
    EXPECT_FALSE(ByteRange::make(ByteOffset{largest}, ByteCount{1}).has_value());
    EXPECT_TRUE(range(10, 5).is_empty()) << "a range that ends before it begins is empty";
}

TEST(ByteRanges, AreHalfOpen)
{
    const auto sector = range(512, 1024);
    EXPECT_EQ(sector.size(), 512_B);
    EXPECT_TRUE(sector.contains(ByteOffset{512}));
    EXPECT_TRUE(sector.contains(ByteOffset{1023}));
    EXPECT_FALSE(sector.contains(ByteOffset{1024}));
    EXPECT_FALSE(sector.contains(ByteOffset{511}));
    EXPECT_TRUE(sector.contains(sector));
    EXPECT_FALSE(sector.contains(range(512, 1025)));
    EXPECT_FALSE(sector.overlaps(range(0, 512)));
    EXPECT_FALSE(sector.overlaps(range(1024, 2048)));
    EXPECT_TRUE(sector.overlaps(range(1023, 2048)));
}

TEST(ByteRanges, IntersectInWhatBothHave)
{
    EXPECT_EQ(range(0, 100).intersection(range(50, 200)), range(50, 100));
    EXPECT_EQ(range(0, 100).intersection(range(20, 30)), range(20, 30));
    EXPECT_TRUE(range(0, 100).intersection(range(100, 200)).is_empty());
    EXPECT_TRUE(range(0, 100).intersection(range(150, 200)).is_empty());
}

TEST(SectorSizes, ArePowersOfTwoOfOrdinaryDevices)
{
    for (const std::uint64_t bytes : {512U, 1024U, 4096U, 65536U}) {
        ASSERT_TRUE(SectorSize::make(bytes).has_value()) << bytes;
        EXPECT_EQ(SectorSize::make(bytes)->bytes(), bytes);
    }
    for (const std::uint64_t bytes : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{256}, std::uint64_t{520},
                                      std::uint64_t{131072}, std::uint64_t{1} << 32U, std::uint64_t{1} << 63U}) {
        EXPECT_FALSE(SectorSize::make(bytes).has_value()) << bytes;
    }
}

TEST(Sectors, AreTurnedIntoBytesOnlyWhenTheyFit)
{
    EXPECT_EQ(to_bytes(SectorCount{8}, sector_512()), 4_KiB);
    EXPECT_EQ(to_bytes(SectorCount{1}, sector_4096()), 4_KiB);
    EXPECT_EQ(to_offset(SectorIndex{0x1DE40}, sector_512()), ByteOffset{0x3BC8000}) << "the story's metadata partition";
    EXPECT_EQ(to_bytes(SectorCount{largest / 512 + 1}, sector_512()), std::nullopt);
    EXPECT_EQ(to_offset(SectorIndex{largest}, sector_4096()), std::nullopt);
}

} // namespace
} // namespace salvage
