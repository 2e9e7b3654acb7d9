// Reading a flash into files: what is there afterwards, and what the report says of it.
#include <gtest/gtest.h>

#include <fstream>

#include "fake_flash.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/io/ddrescue_map.hpp"
#include "salvage/rescue/dump.hpp"
#include "salvage/rescue/read_flash.hpp"
#include "small_disk.hpp"
#include "stop_at.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::rescue {
namespace {

using test::area;
using test::fails_with;
using test::FakeFlash;
using test::is_ok;
using test::make_content;
using test::read_file;

class ReadFlash : public ::testing::Test {
protected:
    ReadFlash()
    {
        flash.regions = {{.name = "boot1", .bytes = make_content(8192, 1)},
                         {.name = "boot2", .bytes = make_content(8192, 2)},
                         {.name = "rpmb", .bytes = make_content(4096, 3)},
                         {.name = "user", .bytes = make_content(300'032, 4)}};
        options.request = ByteCount{65536};
        options.cluster = ByteCount{4096};
    }

    Result<ReadReport> read(const RunContext& context = {})
    {
        return read_flash(flash.connector(), out, options, context);
    }

    [[nodiscard]] Bytes& user() { return flash.regions[3].bytes; }
    [[nodiscard]] std::filesystem::path beside(std::string_view ending) const
    {
        auto path = out;
        path += ending;
        return path;
    }
    [[nodiscard]] std::string text_of(std::string_view ending) const
    {
        return std::string{as_text(read_file(beside(ending)))};
    }
    [[nodiscard]] io::RescueMap map() const
    {
        auto parsed = io::parse_rescue_map(text_of(".map"));
        EXPECT_TRUE(is_ok(parsed));
        return std::move(parsed).unwrap();
    }

    test::TemporaryFolder folder;
    std::filesystem::path out{folder.path() / "dump.bin"};
    FakeFlash flash;
    ReadOptions options;
};

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

TEST_F(ReadFlash, ConnectsAnewWhenTheCableIsPulled)
{
    flash.cut_after = 123'457;
    const auto report = read();
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->reconnects, 1U);
    EXPECT_EQ(read_file(out), user());
}

TEST_F(ReadFlash, AsksForWholeSectorsAfterACutInTheMiddleOfOne)
{
    flash.cut_after = 123'457;
    ASSERT_TRUE(is_ok(read()));
    for (const auto& [region, range] : flash.asked) {
        EXPECT_EQ(range.start().value % 512, 0U);
    }
}

TEST_F(ReadFlash, TakesAPlaceWhereTheDeviceHangsTwiceAsBad)
{
    flash.regions[3].stalls = {area(100'352, 100'864)};
    const auto report = read();
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->regions[0].lost, (std::vector{area(100'352, 100'864)}));
    EXPECT_GT(report->reconnects, 2U);
    EXPECT_TRUE(std::ranges::equal(ByteView{read_file(out)}.subspan(100'864), ByteView{user()}.subspan(100'864)));
}

TEST_F(ReadFlash, GivesUpOnADeviceThatComesBackForNothing)
{
    flash.regions[3].stalls = {area(0, 300'032)};
    options.max_reconnects = 5;
    const auto report = read();
    ASSERT_TRUE(fails_with(report, ErrorCode::timed_out));
    EXPECT_EQ(flash.connections, 6U);
    EXPECT_FALSE(std::filesystem::exists(out));
    EXPECT_TRUE(std::filesystem::exists(beside(".partial")));
}

TEST_F(ReadFlash, KnocksAgainWhereTheFirstHandshakeFails)
{
    flash.refuse_connections = 3;
    const auto report = read();
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(read_file(out), user());
    flash.refuse_connections = 3;
    options.max_reconnects = 2;
    const auto other = folder.path() / "other.bin";
    EXPECT_TRUE(fails_with(read_flash(flash.connector(), other, options, {}), ErrorCode::malformed));
}

TEST_F(ReadFlash, SurvivesConnectionsThatFail)
{
    flash.cut_after = 50'000;
    unsigned calls = 0;
    const auto connector = flash.connector();
    const auto report = read_flash(
        [&](const RunContext& context) {
            ++calls;
            flash.refuse_connections = calls == 2 ? 3 : flash.refuse_connections;
            return connector(context);
        },
        out, options, {});
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(calls, 5U);
    EXPECT_EQ(read_file(out), user());
}

TEST_F(ReadFlash, GoesOnWhereItWasStopped)
{
    std::stop_source stop;
    StopAt progress{stop, 100'000};
    RunContext context;
    context.progress = &progress;
    context.stop = stop.get_token();
    ASSERT_TRUE(fails_with(read(context), ErrorCode::cancelled));
    EXPECT_FALSE(std::filesystem::exists(out));
    EXPECT_GT(map().total(io::BlockStatus::finished, area(0, 300'032)), ByteCount{90'000});
    const auto before = flash.given;
    const auto report = read();
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(read_file(out), user());
    EXPECT_LT(flash.given - before, 220'000U + 16384);
}

TEST_F(ReadFlash, RefusesToGoOnWithAnotherDevice)
{
    flash.cut_after = 50'000;
    options.max_reconnects = 0;
    ASSERT_TRUE(fails_with(read(), ErrorCode::disconnected));
    flash.identity = "emmc 1501004e5330";
    const auto report = read();
    ASSERT_TRUE(fails_with(report, ErrorCode::already_exists));
    EXPECT_NE(report.error().why.find("90014a48"), std::string::npos);
    EXPECT_NE(report.error().why.find("1501004e5330"), std::string::npos);
}

TEST_F(ReadFlash, RefusesADeviceWithoutANumberWhoseBytesDiffer)
{
    flash.cid.clear();
    flash.identity = "block 300032 bytes";
    flash.cut_after = 50'000;
    options.max_reconnects = 0;
    ASSERT_TRUE(fails_with(read(), ErrorCode::disconnected));
    const auto first = user();
    user() = make_content(300'032, 77);
    EXPECT_TRUE(fails_with(read(), ErrorCode::mismatch));
    user() = first;
    ASSERT_TRUE(is_ok(read()));
    EXPECT_EQ(read_file(out), first);
}

TEST_F(ReadFlash, RefusesAnotherDeviceThatComesWhenTheFirstWentAway)
{
    flash.cut_after = 50'000;
    const auto connector = flash.connector();
    const auto report = read_flash(
        [&](const RunContext& context) {
            auto came = connector(context);
            flash.identity = "emmc 1501004e5330";
            return came;
        },
        out, options, {});
    EXPECT_TRUE(fails_with(report, ErrorCode::mismatch));
}

TEST_F(ReadFlash, NeverOverwritesWhatIsNotItsOwn)
{
    test::TemporaryFolder other;
    out = other.write("dump.bin", as_bytes("precious"));
    const auto report = read();
    ASSERT_TRUE(fails_with(report, ErrorCode::already_exists));
    EXPECT_EQ(flash.connections, 0U); // told before the phone is waited for
    EXPECT_EQ(as_text(read_file(out)), "precious");
}

TEST_F(ReadFlash, RefusesAMapWhoseImageIsGone)
{
    ASSERT_TRUE(is_ok(read()));
    std::filesystem::remove(out);
    EXPECT_TRUE(fails_with(read(), ErrorCode::already_exists));
}

TEST_F(ReadFlash, RefusesADamagedMapInsteadOfStartingOver)
{
    flash.cut_after = 50'000;
    options.max_reconnects = 0;
    ASSERT_TRUE(fails_with(read(), ErrorCode::disconnected));
    std::ofstream{beside(".map")} << "0 ?\n0 nonsense +\n";
    EXPECT_TRUE(fails_with(read(), ErrorCode::malformed));
}

TEST_F(ReadFlash, DoesNotBelieveAMapBeyondTheEndOfTheFile)
{
    flash.cut_after = 200'000;
    options.max_reconnects = 0;
    ASSERT_TRUE(fails_with(read(), ErrorCode::disconnected));
    std::filesystem::resize_file(beside(".partial"), 100'000);
    ASSERT_TRUE(is_ok(read()));
    EXPECT_EQ(read_file(out), user());
}

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

TEST_F(ReadFlash, SaysWhatAFullDiskNeedsAndGoesOnWithMoreRoom)
{
    const test::SmallDisk disk{folder.path() / "disk"};
    if (!disk.is_mounted()) {
        GTEST_SKIP() << "mounting a small filesystem is not permitted here";
    }
    out = folder.path() / "disk" / "dump.bin";
    user() = make_content(6U << 20U, 6);
    const auto full = read();
    ASSERT_TRUE(fails_with(full, ErrorCode::no_space));
    EXPECT_NE(full.error().what.find("more are needed"), std::string::npos) << full.error().what;
    EXPECT_FALSE(std::filesystem::exists(out));
    disk.enlarge();
    ASSERT_TRUE(is_ok(read()));
    EXPECT_EQ(read_file(out), user());
}

TEST_F(ReadFlash, OneOfTwoRunsIsRefused)
{
    Result<ReadReport> second{Error{}};
    const auto connector = flash.connector();
    flash.cut_after = 50'000;
    unsigned connections = 0;
    const auto first = read_flash(
        [&](const RunContext& context) {
            if (++connections == 2) {
                second = read();
            }
            return connector(context);
        },
        out, options, {});
    ASSERT_TRUE(is_ok(first));
    EXPECT_TRUE(fails_with(second, ErrorCode::already_exists));
    EXPECT_EQ(read_file(out), user());
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

/// ddrescue as the judge: over a file that stands for the device.
class ReadFlashAndDdrescue : public ReadFlash {
protected:
    void SetUp() override
    {
        if (!test::run_command("ddrescue --version")) {
            GTEST_SKIP() << "GNU ddrescue is not installed";
        }
        device = folder.write("device", user());
        options.regions = {"user"};
    }
    [[nodiscard]] std::optional<std::string> ddrescue(const std::string& arguments) const
    {
        return test::run_command("ddrescue -q -c8 " + arguments + " 2>&1");
    }

    std::filesystem::path device;
};

TEST_F(ReadFlashAndDdrescue, DdrescueGoesOnFromOurMapAndImage)
{
    flash.cut_after = 123'457;
    options.max_reconnects = 0;
    ASSERT_TRUE(fails_with(read(), ErrorCode::disconnected));
    const auto partial = beside(".partial").string();
    // What we read must not be read again: there ddrescue would find other bytes.
    auto other = user();
    std::fill_n(other.begin(), 100'000, std::byte{0xEE});
    static_cast<void>(folder.write("device", other));
    ASSERT_TRUE(ddrescue(device.string() + " " + partial + " " + beside(".map").string()).has_value());
    EXPECT_EQ(read_file(partial), user());
    EXPECT_TRUE(map().is_finished(area(0, 300'032)));
}

TEST_F(ReadFlashAndDdrescue, DdrescueReadsOurBadSectorsAgain)
{
    flash.regions[3].bad = {area(100'352, 100'864)};
    ASSERT_TRUE(is_ok(read()));
    ASSERT_TRUE(ddrescue("-r1 " + device.string() + " " + out.string() + " " + beside(".map").string()).has_value());
    EXPECT_EQ(read_file(out), user());
    EXPECT_TRUE(map().is_finished(area(0, 300'032)));
}

TEST_F(ReadFlashAndDdrescue, WeGoOnFromItsMapAndImageWhenAskedTo)
{
    ASSERT_TRUE(
        ddrescue("-s 120000 " + device.string() + " " + out.string() + " " + beside(".map").string()).has_value());
    ASSERT_TRUE(fails_with(read(), ErrorCode::already_exists)); // not unasked
    options.foreign_map = ForeignMap::adopt;
    const auto report = read();
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(read_file(out), user());
    EXPECT_EQ(report->regions[0].read_now, ByteCount{300'032 - 119'808}); // from the last whole sector on
}

TEST_F(ReadFlashAndDdrescue, DoesNotAdoptTheImageOfAnotherDevice)
{
    static_cast<void>(folder.write("device", make_content(300'032, 99)));
    ASSERT_TRUE(
        ddrescue("-s 120000 " + device.string() + " " + out.string() + " " + beside(".map").string()).has_value());
    options.foreign_map = ForeignMap::adopt;
    EXPECT_TRUE(fails_with(read(), ErrorCode::mismatch));
}

} // namespace
} // namespace salvage::rescue
