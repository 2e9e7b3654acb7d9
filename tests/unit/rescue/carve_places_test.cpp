// Where carved files lay and how they are named.
#include <gtest/gtest.h>

#include "rescue/carve_places.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"

namespace salvage::rescue {
namespace {

ByteRange range(std::uint64_t start, std::uint64_t end)
{
    return ByteRange::between(ByteOffset{start}, ByteOffset{end});
}

TEST(CarvePlaces, RunsOfTheGatheredAreasAreRangesOfTheVolume)
{
    const AreaMap map{{range(100, 110), range(110, 120), range(500, 600)}};
    std::vector<ByteRange> out;
    map.add_to(out, range(5, 25));
    EXPECT_EQ(out, (std::vector{range(105, 120), range(500, 505)})) << "the first two touch";
    map.add_to(out, range(25, 30));
    EXPECT_EQ(out.back(), range(500, 510)) << "goes on where the last one ended";
    map.add_to(out, range(119, 5000));
    EXPECT_EQ(out.back(), range(599, 600)) << "ends with the areas";
}

TEST(CarvePlaces, NamesSayWhereAFileBegins)
{
    Names taken;
    EXPECT_EQ(name_for({range(4096, 5000)}, "jpg", taken), "000000001000.jpg");
    EXPECT_EQ(name_for({range(4096, 9000)}, "jpg", taken), "000000001000-2.jpg");
    EXPECT_EQ(name_for({range(4096, 9000)}, "png", taken), "000000001000.png");
    EXPECT_EQ(name_for({}, "bin", taken), "unplaced.bin");
    EXPECT_EQ(name_for({}, "bin", taken), "unplaced-2.bin");
}

TEST(CarvePlaces, AnOffsetInTheDumpIsGivenWhereAllOfTheRunIsThere)
{
    const auto first = io::make_memory(Bytes(4096), "phone.001");
    const auto second = io::make_memory(Bytes(4096), "phone.002");
    const auto dump = io::make_concat({first, second}, "phone").value();
    const auto json = runs_json(*dump, {range(512, 1024), range(4000, 4200), range(5000, 5100)});
    EXPECT_EQ(json.at(0).at("dump"), 512U);
    EXPECT_TRUE(json.at(1).at("dump").is_null()) << "it lies in two files";
    EXPECT_EQ(json.at(2).at("dump"), 5000U - 4096U);
    EXPECT_EQ(json.at(2).at("file"), "phone.002");
    EXPECT_EQ(json.at(2).at("volume"), 5000U);
}

} // namespace
} // namespace salvage::rescue
