// Reading a flash that breaks off: going on, by this program and by ddrescue, and never with what belongs to another.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>

#include <gtest/gtest.h>

#include "read_flash_support.hpp"
#include "small_disk.hpp"
#include "stop_at.hpp"

namespace salvage::rescue {
namespace {

using test::area;
using test::fails_with;
using test::is_ok;
using test::make_content;
using test::read_file;

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
