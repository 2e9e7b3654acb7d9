// Block devices, files, and phones behind adb, as a flash.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "salvage/device/sources.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::device {
namespace {

using test::fails_with;
using test::is_ok;

Bytes content(std::size_t size)
{
    Bytes out(size);
    std::mt19937 random{7};
    std::ranges::generate(out, [&] { return static_cast<std::byte>(random() & 0xFFU); });
    return out;
}

ByteRange range(std::uint64_t start, std::uint64_t end)
{
    return ByteRange::between(ByteOffset{start}, ByteOffset{end});
}

/// What a read hands over, in order.
struct Taken {
    Bytes bytes;
    ByteOffset next;

    FlashReader::Sink sink(ByteOffset start)
    {
        next = start;
        return [this](ByteOffset at, ByteView more) -> Result<> {
            EXPECT_EQ(at, next);
            bytes.insert(bytes.end(), more.begin(), more.end());
            next = at + ByteCount{more.size()};
            return {};
        };
    }
};

void expect_reads(FlashReader& reader, ByteRange wanted, const Bytes& all)
{
    Taken taken;
    const auto done = reader.read(reader.storage().regions.front(), wanted, taken.sink(wanted.start()), {});
    ASSERT_TRUE(is_ok(done));
    EXPECT_TRUE(std::ranges::equal(taken.bytes, ByteView{all}.subspan(static_cast<std::size_t>(wanted.start().value),
                                                                      static_cast<std::size_t>(wanted.size().value))));
}

TEST(BlockDevice, ReadsAFileAsTheUserArea)
{
    const test::TemporaryFolder folder;
    const auto bytes = content((2U << 20U) + 300);
    const auto reader = open_block_device(folder.write("image", bytes));
    ASSERT_TRUE(is_ok(reader));
    const auto& info = (*reader)->storage();
    ASSERT_EQ(info.regions.size(), 1U);
    EXPECT_EQ(info.regions[0].name, "user");
    EXPECT_EQ(info.regions[0].size, ByteCount{(2U << 20U) + 300});
    EXPECT_EQ((*reader)->identity(), "block 2097452 bytes");
    expect_reads(**reader, range(0, (2U << 20U) + 300), bytes);
    expect_reads(**reader, range(511, 4097), bytes);
}

TEST(BlockDevice, RefusesWhatIsNone)
{
    const test::TemporaryFolder folder;
    EXPECT_TRUE(fails_with(open_block_device(folder.path()), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(open_block_device(folder.path() / "none"), ErrorCode::not_found));
    EXPECT_TRUE(fails_with(open_block_device("/dev/null"), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(open_block_device(folder.write("empty", {})), ErrorCode::not_found));
}

TEST(BlockDevice, RefusesARangeBeyondItsEnd)
{
    const test::TemporaryFolder folder;
    const auto reader = open_block_device(folder.write("image", content(4096)));
    ASSERT_TRUE(is_ok(reader));
    Taken taken;
    EXPECT_TRUE(fails_with((*reader)->read((*reader)->storage().regions[0], range(0, 4097), taken.sink({}), {}),
                           ErrorCode::invalid_argument));
    EXPECT_TRUE(taken.bytes.empty());
}

TEST(BlockDevice, SaysDisconnectedWhenItBecameShorter)
{
    const test::TemporaryFolder folder;
    const auto path = folder.write("image", content(8192));
    const auto reader = open_block_device(path);
    ASSERT_TRUE(is_ok(reader));
    std::filesystem::resize_file(path, 4096);
    Taken taken;
    EXPECT_TRUE(fails_with((*reader)->read((*reader)->storage().regions[0], range(0, 8192), taken.sink({}), {}),
                           ErrorCode::disconnected));
    EXPECT_EQ(taken.bytes.size(), 4096U);
}

/// A phone behind an adb that is a shell script: it answers as adb does, over files.
class AdbPhone : public ::testing::Test {
protected:
    AdbPhone()
    {
        const auto bytes = as_text(ByteView{flash});
        static_cast<void>(folder.write("flash", as_bytes(bytes)));
        write_script("");
        options.program = (folder.path() / "adb").string();
    }

    /// `before_dd`: shell code that runs before data is sent.
    void write_script(const std::string& before_dd)
    {
        const auto script =
            "#!/bin/sh\n"
            "here=$(dirname \"$0\")\n"
            "echo \"$*\" >> \"$here/log\"\n"
            "if [ \"$1\" = -s ]; then shift 2; fi\n"
            "case \"$1 $2\" in\n"
            "'get-state ') if [ -e \"$here/gone\" ]; then echo 'error: no devices/emulators found' >&2; exit 1; fi; "
            "echo device;;\n"
            "'get-serialno ') echo ABC123;;\n"
            "'exec-out blockdev --getsize64 /dev/block/mmcblk0 '*) stat -c %s \"$here/flash\";;\n"
            "'exec-out cat /sys/class/block/mmcblk0/queue'*) echo 512;;\n"
            "'exec-out cat /sys/class/block/mmcblk0/device/cid'*) "
            "cat \"$here/cid\" 2>/dev/null;;\n"
            "'exec-out dd if=/dev/block/mmcblk0 '*)\n" +
            before_dd +
            "\n  command=$(echo \"$2\" | sed \"s,/dev/block/mmcblk0,$here/flash,\"); eval \"$command\";;\n"
            "*) exit 0;;\n"
            "esac\n";
        static_cast<void>(folder.write("adb", as_bytes(script)));
        std::filesystem::permissions(folder.path() / "adb", std::filesystem::perms::owner_all);
    }

    Bytes flash{content((1U << 20U) + 1536)};
    test::TemporaryFolder folder;
    AdbOptions options;
};

TEST_F(AdbPhone, ReadsThroughDd)
{
    const auto reader = open_adb(options, {});
    ASSERT_TRUE(is_ok(reader));
    ASSERT_EQ((*reader)->storage().regions.size(), 1U);
    EXPECT_EQ((*reader)->storage().regions[0].size, ByteCount{flash.size()});
    EXPECT_EQ((*reader)->identity(), "adb ABC123 /dev/block/mmcblk0 1050112 bytes");
    expect_reads(**reader, range(0, flash.size()), flash);
    expect_reads(**reader, range(1000, 5001), flash);
    expect_reads(**reader, range(65536, 131072), flash);
}

TEST_F(AdbPhone, IsKnownByItsChip)
{
    static_cast<void>(folder.write("cid", as_bytes("90014a484247346132a449d6f1a7b143\n")));
    options.serial = "ABC123";
    const auto reader = open_adb(options, {});
    ASSERT_TRUE(is_ok(reader));
    EXPECT_EQ((*reader)->identity(), "emmc 90014a484247346132a449d6f1a7b143");
    EXPECT_TRUE(as_text(test::read_file(folder.path() / "log")).starts_with("-s ABC123 get-state"));
}

TEST_F(AdbPhone, TellsABadSectorFromAPhoneThatWentAway)
{
    const auto reader = open_adb(options, {});
    ASSERT_TRUE(is_ok(reader));
    const auto& region = (*reader)->storage().regions[0];
    write_script("head -c 5120 \"$here/flash\"; exit 0");
    Taken before_bad;
    EXPECT_TRUE(fails_with((*reader)->read(region, range(0, 65536), before_bad.sink({}), {}), ErrorCode::unreadable));
    EXPECT_EQ(before_bad.bytes.size(), 5120U);
    write_script("head -c 5120 \"$here/flash\"; touch \"$here/gone\"; exit 0");
    Taken before_gone;
    EXPECT_TRUE(
        fails_with((*reader)->read(region, range(0, 65536), before_gone.sink({}), {}), ErrorCode::disconnected));
    EXPECT_EQ(before_gone.bytes.size(), 5120U);
}

TEST_F(AdbPhone, GivesUpOnSilence)
{
    const auto reader = [&] {
        options.silence = std::chrono::milliseconds{2000};
        return open_adb(options, {});
    }();
    ASSERT_TRUE(is_ok(reader));
    write_script("sleep 60");
    Taken taken;
    EXPECT_TRUE(fails_with((*reader)->read((*reader)->storage().regions[0], range(0, 4096), taken.sink({}), {}),
                           ErrorCode::timed_out));
}

TEST_F(AdbPhone, SaysWhenTheShellMayNotRead)
{
    write_script("exit 1");
    EXPECT_TRUE(fails_with(open_adb(options, {}), ErrorCode::refused));
}

TEST_F(AdbPhone, SaysWhenThereIsNoPhoneAndNoAdb)
{
    static_cast<void>(folder.write("gone", {}));
    const auto gone = open_adb(options, {});
    ASSERT_TRUE(fails_with(gone, ErrorCode::disconnected));
    EXPECT_NE(gone.error().why.find("no devices"), std::string::npos);
    options.program = (folder.path() / "none").string();
    EXPECT_TRUE(fails_with(open_adb(options, {}), ErrorCode::not_found));
}

TEST_F(AdbPhone, TakesNoDeviceThatAShellWouldUnderstandOtherwise)
{
    for (const auto* const name : {"mmcblk0", "/dev/block/x;reboot", "/dev/$(id)", "/dev/a b", "", "/dev/'x"}) {
        options.device = name;
        EXPECT_TRUE(fails_with(open_adb(options, {}), ErrorCode::invalid_argument)) << name;
    }
}

} // namespace
} // namespace salvage::device
