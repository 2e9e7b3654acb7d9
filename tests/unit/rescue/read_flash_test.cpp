// Reading a flash into files: what is there afterwards, and what the report says of it.
#include <algorithm>
#include <filesystem>

#include <gtest/gtest.h>

#include "read_flash_support.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/rescue/dump.hpp"

namespace salvage::rescue {
namespace {

using test::area;
using test::fails_with;
using test::is_ok;
using test::make_content;
using test::read_file;

TEST_F(ReadFlash, ReadsWhatARestoreNeedsEachIntoItsOwnFile)
{
    const auto report = read();
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(read_file(out), user());
    EXPECT_EQ(read_file(beside(".boot1")), flash.regions[0].bytes);
    EXPECT_EQ(read_file(beside(".boot2")), flash.regions[1].bytes);
    EXPECT_FALSE(std::filesystem::exists(beside(".rpmb")));
    ASSERT_EQ(report->regions.size(), 3U);
    EXPECT_EQ(report->regions[0].region, "user");
    EXPECT_TRUE(report->regions[0].is_whole());
    EXPECT_EQ(report->lost(), ByteCount{0});
    ASSERT_EQ(report->not_read.size(), 1U);
    EXPECT_TRUE(report->not_read[0].starts_with("rpmb, 4 KiB")) << report->not_read[0];
    EXPECT_EQ(flash.given, 300'032U + 8192 + 8192); // every byte once
}

TEST_F(ReadFlash, WritesSumsThatSha256sumAccepts)
{
    ASSERT_TRUE(is_ok(read()));
    const auto checked = test::run_command("cd " + folder.path().string() + " && sha256sum -c dump.bin.sha256 2>&1");
    ASSERT_TRUE(checked.has_value());
    EXPECT_NE(checked->find("dump.bin: OK"), std::string::npos) << *checked;
    EXPECT_NE(checked->find("dump.bin.boot2: OK"), std::string::npos) << *checked;
}

TEST_F(ReadFlash, WritesAHashForEachMebibyte)
{
    user() = make_content((2U << 20U) + 512, 9);
    ASSERT_TRUE(is_ok(read()));
    const auto hashes = text_of(".hashes");
    const ByteView bytes{user()};
    EXPECT_NE(hashes.find("0x000000000000  0x100000  " + to_hex(crypto::sha256(bytes.first(1U << 20U)))),
              std::string::npos)
        << hashes;
    EXPECT_NE(hashes.find("0x000000200000  0x000200  " + to_hex(crypto::sha256(bytes.last(512)))), std::string::npos)
        << hashes;
}

TEST_F(ReadFlash, HashesTheSameWhetherItWasReadAtOnceOrInPieces)
{
    user() = make_content((5U << 20U) + 512, 9);
    const auto at_once = read();
    ASSERT_TRUE(is_ok(at_once));
    const auto hashes = text_of(".hashes");
    out = folder.path() / "pieces.bin";
    flash.cut_after = 1'234'567;
    options.max_reconnects = 0;
    ASSERT_TRUE(fails_with(read(), ErrorCode::disconnected));
    const auto pieces = read();
    ASSERT_TRUE(is_ok(pieces));
    EXPECT_EQ(pieces->regions[0].sha256, at_once->regions[0].sha256);
    EXPECT_EQ(pieces->regions[0].sha256, to_hex(crypto::sha256(user())));
    const auto again = text_of(".hashes");
    EXPECT_EQ(again.substr(again.find('\n')), hashes.substr(hashes.find('\n'))); // behind the line with the name
}

TEST_F(ReadFlash, LeavesHolesWhereTheFlashIsEmpty)
{
    user() = Bytes(8U << 20U, std::byte{0});
    ASSERT_TRUE(is_ok(read()));
    const auto blocks = test::run_command("stat -c %b " + out.string());
    ASSERT_TRUE(blocks.has_value());
    EXPECT_LT(std::stoul(*blocks), 100U);
    EXPECT_EQ(read_file(out), user());
}

TEST_F(ReadFlash, MarksBadSectorsAndReadsAllOthers)
{
    flash.regions[3].bad = {area(100'352, 100'864), area(299'520, 300'032)};
    const auto report = read();
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->lost(), ByteCount{1024});
    EXPECT_EQ(report->lost_areas(), 2U);
    EXPECT_EQ(report->regions[0].lost, (std::vector{area(100'352, 100'864), area(299'520, 300'032)}));
    EXPECT_FALSE(report->regions[0].is_whole());
    EXPECT_EQ(std::filesystem::file_size(out), 300'032U);
    auto expected = user();
    std::fill_n(expected.begin() + 100'352, 512, std::byte{0});
    std::fill_n(expected.begin() + 299'520, 512, std::byte{0});
    EXPECT_EQ(read_file(out), expected);
    EXPECT_EQ(report->regions[0].sha256, to_hex(crypto::sha256(expected)));
    EXPECT_NE(text_of(".hashes").find("  -\n"), std::string::npos);
    EXPECT_NE(text_of(".readback.json").find("\"sha256\": null"), std::string::npos);
}

TEST_F(ReadFlash, CarriesBadAreasIntoEveryLaterView)
{
    flash.regions[3].bad = {area(100'352, 100'864)};
    ASSERT_TRUE(is_ok(read()));
    const auto dump = open_dump({.path = out, .layout_files = {}, .footer_file = {}, .map_file = {}});
    ASSERT_TRUE(is_ok(dump));
    Bytes sector(512);
    EXPECT_TRUE(fails_with(dump->source->read_at(ByteOffset{100'352}, sector), ErrorCode::unreadable));
    EXPECT_TRUE(is_ok(dump->source->read_at(ByteOffset{100'352 - 512}, sector)));
    EXPECT_TRUE(is_ok(dump->source->read_at(ByteOffset{100'864}, sector)));
}

TEST_F(ReadFlash, FindsTheGoodSectorsOfAPacketThatWasLostWithABadOne)
{
    flash.is_packet_lost_with_bad_sector = true;
    flash.packet = 32768;
    flash.regions[3].bad = {area(100'352, 100'864)};
    const auto report = read();
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->regions[0].lost, (std::vector{area(100'352, 100'864)}));
}

TEST_F(ReadFlash, TriesBadAreasAgainWhenItIsRunAgain)
{
    flash.regions[3].bad = {area(100'352, 100'864)};
    ASSERT_TRUE(is_ok(read()));
    flash.regions[3].bad.clear();
    flash.asked.clear();
    const auto report = read();
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->lost(), ByteCount{0});
    EXPECT_EQ(read_file(out), user());
    EXPECT_EQ(flash.asked, (std::vector<std::pair<std::string, ByteRange>>{{"user", area(100'352, 100'864)}}));
    EXPECT_EQ(report->regions[0].sha256, to_hex(crypto::sha256(user())));
}

TEST_F(ReadFlash, AsksForNothingWhenAllIsThere)
{
    ASSERT_TRUE(is_ok(read()));
    flash.asked.clear();
    const auto again = read();
    ASSERT_TRUE(is_ok(again));
    EXPECT_TRUE(flash.asked.empty());
    EXPECT_EQ(again->regions[0].read_now, ByteCount{0});
    EXPECT_TRUE(again->regions[0].is_whole());
}

TEST_F(ReadFlash, VerifiesByReadingASecondTime)
{
    options.verify = Verify::yes;
    flash.regions[3].bad = {area(100'352, 100'864)};
    const auto report = read();
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->regions[0].verified, ByteCount{300'032 - 512});
    EXPECT_EQ(report->unverified(), ByteCount{0});
}

TEST_F(ReadFlash, SaysWhichByteDiffersOnTheSecondReading)
{
    user() = make_content(3U << 20U, 5);
    ASSERT_TRUE(is_ok(read()));
    user()[(2U << 20U) + 77] ^= std::byte{1};
    options.verify = Verify::yes;
    const auto report = read();
    ASSERT_TRUE(fails_with(report, ErrorCode::mismatch));
    ASSERT_TRUE(report.error().where.has_value());
    EXPECT_EQ(report.error().where->chain.front().at, ByteOffset{(2U << 20U) + 77});
    EXPECT_NE(report.error().why.find("MiB 2"), std::string::npos) << report.error().why;
}

TEST_F(ReadFlash, SaysWhatCouldNotBeReadASecondTime)
{
    ASSERT_TRUE(is_ok(read()));
    flash.regions[3].bad = {area(100'352, 100'864)};
    options.verify = Verify::yes;
    const auto report = read();
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->unverified(), ByteCount{512});
}

TEST_F(ReadFlash, TellsWhatTheDeviceIs)
{
    const auto report = read_storage_info(flash.connector(), {}, {});
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->storage.regions.size(), 4U);
    EXPECT_TRUE(flash.asked.empty());
    EXPECT_TRUE(flash.goodbyes.empty());
}

using Goodbye = device::FlashReader::Goodbye;

TEST_F(ReadFlash, SwitchesTheDeviceOffWhenAllIsRead)
{
    options.verify = Verify::yes;
    const auto report = read();
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(flash.goodbyes, std::vector{Goodbye::power_off});
    EXPECT_FALSE(report->goodbye.has_value());
}

TEST_F(ReadFlash, LetsTheDeviceGoWhereItWasAskedTo)
{
    options.goodbye = Goodbye::fastboot;
    ASSERT_TRUE(is_ok(read()));
    ASSERT_TRUE(is_ok(read_storage_info(flash.connector(), Goodbye::boot, {})));
    EXPECT_EQ(flash.goodbyes, (std::vector{Goodbye::fastboot, Goodbye::boot}));
    options.goodbye.reset();
    ASSERT_TRUE(is_ok(read()));
    EXPECT_EQ(flash.goodbyes.size(), 2U) << "it was to stay as it is";
}

TEST_F(ReadFlash, NotesADeviceThatDoesNotAnswerTheGoodbye)
{
    flash.is_deaf_at_last = true;
    const auto report = read();
    ASSERT_TRUE(is_ok(report));
    EXPECT_TRUE(report->regions.front().is_whole());
    EXPECT_EQ(read_file(out), user());
    ASSERT_TRUE(report->goodbye.has_value());
    EXPECT_EQ(report->goodbye->code, ErrorCode::timed_out);
    const auto info = read_storage_info(flash.connector(), Goodbye::power_off, {});
    ASSERT_TRUE(is_ok(info));
    EXPECT_TRUE(info->goodbye.has_value());
}

TEST_F(ReadFlash, SaysNoGoodbyeToADeviceItIsNotDoneWith)
{
    flash.cut_after = 50'000;
    options.max_reconnects = 0;
    EXPECT_FALSE(read().has_value());
    EXPECT_TRUE(flash.goodbyes.empty());
}

} // namespace
} // namespace salvage::rescue
