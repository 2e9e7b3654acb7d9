// Reading a part of a flash: ranges, regions, partitions.
#include <algorithm>

#include <gtest/gtest.h>

#include "read_flash_support.hpp"
#include "salvage/rescue/dump.hpp"

namespace salvage::rescue {
namespace {

using test::area;
using test::fails_with;
using test::is_ok;
using test::make_content;
using test::read_file;

TEST_F(ReadFlash, ReadsOnlyARangeAndTheRestLater)
{
    options.range = area(65'600, 131'000);
    const auto part = read();
    ASSERT_TRUE(is_ok(part));
    ASSERT_EQ(part->regions.size(), 1U);
    EXPECT_EQ(part->regions[0].wanted, ByteCount{131'072 - 65'536}); // whole sectors
    EXPECT_FALSE(part->regions[0].is_whole());
    EXPECT_EQ(part->lost(), ByteCount{0});
    EXPECT_EQ(std::filesystem::file_size(out), 300'032U);
    EXPECT_TRUE(
        std::ranges::equal(ByteView{read_file(out)}.subspan(65'536, 65'536), ByteView{user()}.subspan(65'536, 65'536)));
    const auto dump = open_dump({.path = out, .layout_files = {}, .footer_file = {}, .map_file = {}});
    ASSERT_TRUE(is_ok(dump));
    Bytes sector(512);
    EXPECT_TRUE(fails_with(dump->source->read_at(ByteOffset{0}, sector), ErrorCode::unreadable));

    options.range.reset();
    const auto given = flash.given;
    const auto rest = read();
    ASSERT_TRUE(is_ok(rest));
    EXPECT_EQ(read_file(out), user());
    EXPECT_EQ(flash.given - given, 300'032U - 65'536 + 16'384);
}

TEST_F(ReadFlash, RefusesARangeBeyondTheDevice)
{
    options.range = area(0, 300'033);
    EXPECT_TRUE(fails_with(read(), ErrorCode::invalid_argument));
}

TEST_F(ReadFlash, NamesTheRegionsThereAreWhenOneIsAskedForThatIsNot)
{
    options.regions = {"gp1"};
    const auto report = read();
    ASSERT_TRUE(fails_with(report, ErrorCode::not_found));
    EXPECT_NE(report.error().why.find("boot1, boot2, rpmb, user"), std::string::npos);
}

TEST_F(ReadFlash, ReadsEveryRegionWhenAllAreAskedFor)
{
    options.all_regions = true;
    const auto report = read();
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->regions.size(), 4U);
    EXPECT_TRUE(report->not_read.empty());
    EXPECT_EQ(read_file(beside(".rpmb")), flash.regions[2].bytes);
}

TEST_F(ReadFlash, KeepsTheSumsOfRegionsThatEarlierRunsRead)
{
    ASSERT_TRUE(is_ok(read()));
    options.regions = {"rpmb"};
    ASSERT_TRUE(is_ok(read()));
    EXPECT_NE(text_of(".sha256").find("dump.bin.rpmb"), std::string::npos);
    EXPECT_NE(text_of(".sha256").find("dump.bin.boot1"), std::string::npos);
}

TEST_F(ReadFlash, NamesTheMainFileAfterTheLargestRegionWhereThereIsNoUserArea)
{
    flash.regions = {{.name = "lu0", .bytes = make_content(8192, 1)}, {.name = "lu2", .bytes = make_content(65536, 2)}};
    const auto report = read();
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(read_file(out), flash.regions[1].bytes);
}

/// A flash with a partition table of sgdisk's.
class ReadFlashByPartition : public ReadFlash {
protected:
    void SetUp() override
    {
        const auto path = folder.write("disk", make_content(8U << 20U, 8));
        const auto made = test::run_command(
            "sgdisk -Z -a 64 -n 1:1024:2047 -c 1:metadata -n 2:4096:8191 -c 2:userdata " + path.string() + " 2>&1");
        if (!made) {
            GTEST_SKIP() << "sgdisk is not installed";
        }
        user() = read_file(path);
    }
};

TEST_F(ReadFlashByPartition, ReadsNamedPartitionsIntoAFileThatKeepsTheirPlaces)
{
    options.partitions = {"metadata"};
    const auto report = read();
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->regions[0].wanted, ByteCount{512U << 10U});
    EXPECT_EQ(report->regions[0].finished, ByteCount{512U << 10U});
    EXPECT_LT(flash.given, 4U << 20U); // the partition and the places where tables are
    const auto dump = open_dump({.path = out, .layout_files = {}, .footer_file = {}, .map_file = {}});
    ASSERT_TRUE(is_ok(dump));
    const auto metadata = open_partition(*dump, "metadata");
    ASSERT_TRUE(is_ok(metadata));
    Bytes bytes(512U << 10U);
    ASSERT_TRUE(is_ok((*metadata)->read_at(ByteOffset{0}, bytes)));
    EXPECT_TRUE(std::ranges::equal(bytes, ByteView{user()}.subspan(512U << 10U, 512U << 10U)));
    const auto userdata = open_partition(*dump, "userdata");
    ASSERT_TRUE(is_ok(userdata));
    EXPECT_TRUE(fails_with((*userdata)->read_at(ByteOffset{0}, std::span{bytes}.first(512)), ErrorCode::unreadable));
}

TEST_F(ReadFlashByPartition, UsesTheBackupTableWhereTheFirstSectorsAreBad)
{
    flash.regions[3].bad = {area(0, 65'536)};
    options.partitions = {"USRDATA"}; // the old spelling
    const auto report = read();
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->regions[0].wanted, ByteCount{2U << 20U});
    EXPECT_EQ(report->lost(), ByteCount{0});
}

TEST_F(ReadFlashByPartition, NamesThePartitionsThereAre)
{
    options.partitions = {"keystore"};
    const auto report = read();
    ASSERT_TRUE(fails_with(report, ErrorCode::not_found));
    EXPECT_NE(report.error().why.find("metadata, userdata"), std::string::npos) << report.error().why;
}

TEST_F(ReadFlash, SaysWhenTheDeviceHasNoTableForAPartition)
{
    user() = Bytes(80U << 20U);
    options.partitions = {"userdata"};
    EXPECT_TRUE(fails_with(read(), ErrorCode::not_found));
    EXPECT_LE(flash.given, 64U << 20U);
}

TEST_F(ReadFlashByPartition, GoesOnWhenTheCableIsPulledWhileTheTableIsRead)
{
    flash.cut_after = 20'000;
    options.partitions = {"metadata"};
    EXPECT_TRUE(is_ok(read()));
}

} // namespace
} // namespace salvage::rescue
