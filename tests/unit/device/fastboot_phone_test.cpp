// The simulated bootloader and our own client: what it says, takes and refuses, whatever the medium.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "device/phone/fastboot_sparse.hpp"
#include "fastboot_bench.hpp"
#include "salvage/io/sparse_pieces.hpp"

namespace salvage::device {
namespace {

TEST_P(FastbootPhoneTest, TakesAnImageRaw)
{
    auto fastboot = connect();
    const auto image = noise(userdata_bytes);
    ASSERT_TRUE(is_ok(flash(fastboot, "userdata", image)));
    EXPECT_EQ(userdata(), image);
    expect_nothing_outside_written();
}

TEST_P(FastbootPhoneTest, TakesAnImageInSparsePiecesWithoutLeavingTheOtherRomsBytes)
{
    options_.max_download = 100_KiB;
    auto fastboot = connect();
    auto image = noise(userdata_bytes);
    std::fill_n(image.begin() + 8192, 300000, std::byte{0}); // zeros must be written
    std::fill_n(image.begin() + 1000000, 8192, std::byte{0x77});
    const auto most = fastboot.max_download();
    ASSERT_TRUE(is_ok(most));
    EXPECT_EQ(*most, 100_KiB);
    ASSERT_TRUE(is_ok(flash(fastboot, "userdata", image, *most)));
    EXPECT_EQ(userdata(), image);
    expect_nothing_outside_written();
}

TEST_P(FastbootPhoneTest, TakesSizesAroundPacketsAndSteps)
{
    auto fastboot = connect();
    for (const std::size_t size : {1U, 2U, 511U, 512U, 513U, 4095U, 4096U, 4097U, 65535U, 65536U, 65537U, 1048577U}) {
        const auto image = noise(size, static_cast<unsigned>(size));
        ASSERT_TRUE(is_ok(flash(fastboot, "userdata", image))) << size;
        EXPECT_EQ(content(range(userdata_at, size)), image) << size;
    }
}

TEST_P(FastbootPhoneTest, SaysWhatItIsAsLkDoes)
{
    auto fastboot = connect();
    const auto value = [&](std::string_view name) { return fastboot.variable(name).value().value_or("(unknown)"); };
    EXPECT_EQ(value("version"), "0.5");
    EXPECT_EQ(value("product"), "salvage_phone");
    EXPECT_EQ(value("max-download-size"), "0x8000000");
    EXPECT_EQ(value("unlocked"), "yes");
    EXPECT_EQ(value("partition-size:userdata"), "200200");
    EXPECT_EQ(value("partition-type:userdata"), "ext4");
    EXPECT_EQ(value("has-slot:userdata"), "(unknown)");
    EXPECT_EQ(value("is-logical:userdata"), "(unknown)");
    const auto all = fastboot.all_variables();
    ASSERT_TRUE(is_ok(all));
    EXPECT_EQ(std::ranges::count(*all, std::pair<std::string, std::string>{"partition-size:boot", "40000"}), 1);
}

TEST_P(FastbootPhoneTest, MayFailAnUnknownVariableInstead)
{
    options_.has_empty_okay = false;
    const auto link_to_phone = (start(), link());
    ASSERT_TRUE(is_ok(link_to_phone->send(as_bytes("getvar:nonsense"), Timeout{5000})));
    EXPECT_EQ(link_to_phone->receive(Timeout{5000}).value(), "FAILGetVar Variable Not found");
}

TEST_P(FastbootPhoneTest, AnswersAnUnknownVariableWithAnEmptyOkay)
{
    const auto link_to_phone = (start(), link());
    ASSERT_TRUE(is_ok(link_to_phone->send(as_bytes("getvar:nonsense"), Timeout{5000})));
    EXPECT_EQ(link_to_phone->receive(Timeout{5000}).value(), "OKAY");
}

TEST_P(FastbootPhoneTest, RefusesInLksWords)
{
    options_.faults.refused_partitions = {"preloader"};
    options_.max_download = 4_MiB;
    auto fastboot = connect();
    expect_refused(flash(fastboot, "preloader", noise(512)), "download for partition 'preloader' is not allowed");
    expect_refused(fastboot.erase("preloader"), "download for partition 'preloader' is not allowed");
    expect_refused(flash(fastboot, "userdata", noise(userdata_bytes + 1)), "size too large");
    expect_refused(flash(fastboot, "userdata", noise(userdata_bytes + 512), 1_MiB), "sparse image size span overflow.");
    expect_refused(flash(fastboot, "boot", noise(4096)), "not a boot image");
    expect_refused(flash(fastboot, "nonsense", noise(512)), "partition doesn't exist");
    expect_refused(flash(fastboot, "userdata", noise(5U << 20U)), "data too large");
    EXPECT_TRUE(flash_->writes().empty());
    EXPECT_TRUE(
        fails_with(fastboot.command("oem nonsense", Fastboot::Patience::usual, RunContext{}), ErrorCode::refused));
}

TEST_P(FastbootPhoneTest, TakesABootImage)
{
    auto image = noise(8192);
    std::ranges::copy(as_bytes("ANDROID!"), image.begin());
    auto fastboot = connect();
    ASSERT_TRUE(is_ok(flash(fastboot, "boot", image)));
    EXPECT_EQ(content(range(boot_at, 8192)), image);
}

TEST_P(FastbootPhoneTest, RefusesEverythingThatWritesWhileItIsLocked)
{
    options_.faults.is_bootloader_locked = true;
    auto fastboot = connect();
    EXPECT_EQ(fastboot.variable("unlocked").value(), "no");
    expect_refused(flash(fastboot, "userdata", noise(4096)), "not allowed in locked state");
    expect_refused(fastboot.erase("userdata"), "not allowed in locked state");
    EXPECT_TRUE(flash_->writes().empty());
}

TEST_P(FastbootPhoneTest, SaysOkayToAnUnlockThatTheOwnerDeclined)
{
    options_.faults.is_bootloader_locked = true;
    auto fastboot = connect();
    EXPECT_TRUE(is_ok(fastboot.command("oem unlock", Fastboot::Patience::waits_for_person, RunContext{})));
    EXPECT_EQ(fastboot.variable("unlocked").value(), "no");
    EXPECT_TRUE(flash_->writes().empty());
    EXPECT_EQ(lines_.size(), 1U);
}

TEST_P(FastbootPhoneTest, MayFailAnUnlockThatTheOwnerDeclined)
{
    options_.faults.is_bootloader_locked = true;
    options_.says_okay_on_no = false;
    auto fastboot = connect();
    EXPECT_TRUE(fails_with(fastboot.command("flashing unlock", Fastboot::Patience::waits_for_person, RunContext{}),
                           ErrorCode::refused));
}

TEST_P(FastbootPhoneTest, ErasesUserdataWhenItIsUnlocked)
{
    options_.faults.is_bootloader_locked = true;
    options_.does_owner_press_yes = true;
    auto fastboot = connect();
    ASSERT_TRUE(is_ok(fastboot.command("oem unlock", Fastboot::Patience::waits_for_person, RunContext{})));
    EXPECT_EQ(fastboot.variable("unlocked").value(), "yes");
    EXPECT_TRUE(is_all_zero(userdata()));
    EXPECT_EQ(content(range(boot_at, 1)).front(), another_rom);
    EXPECT_TRUE(is_ok(flash(fastboot, "userdata", noise(4096))));
    expect_nothing_outside_written();
}

TEST_P(FastbootPhoneTest, ErasesAPartitionToItsLastByteAndNoFurther)
{
    auto fastboot = connect();
    ASSERT_TRUE(is_ok(fastboot.erase("userdata")));
    EXPECT_TRUE(is_all_zero(userdata()));
    EXPECT_EQ(content(range(userdata_at + userdata_bytes, 1)).front(), another_rom);
    expect_nothing_outside_written();
}

TEST_P(FastbootPhoneTest, DoesNotWriteOnALowBattery)
{
    options_.is_battery_low = true;
    auto fastboot = connect();
    expect_refused(flash(fastboot, "userdata", noise(4096)), "low power, need battery charging.");
}

TEST_P(FastbootPhoneTest, TakesADownloadForOneFlashOnly)
{
    auto fastboot = connect();
    ASSERT_TRUE(is_ok(flash(fastboot, "userdata", noise(4096))));
    EXPECT_TRUE(
        fails_with(fastboot.command("flash:userdata", Fastboot::Patience::usual, RunContext{}), ErrorCode::refused));
}

TEST_P(FastbootPhoneTest, RebootsAndLetsTheHostGo)
{
    auto fastboot = connect();
    EXPECT_TRUE(is_ok(fastboot.reboot("bootloader")));
    if (GetParam() == Medium::cable) {
        phone_.join();
        EXPECT_TRUE(is_ok(ended_));
    }
}

TEST_P(FastbootPhoneTest, MayAnswerWithAnErrorOnce)
{
    options_.faults.error_status_at = 0;
    auto fastboot = connect();
    EXPECT_FALSE(fastboot.variable("version").value().has_value());
    EXPECT_TRUE(fastboot.variable("version").value().has_value());
}

INSTANTIATE_TEST_SUITE_P(Over, FastbootPhoneTest, ::testing::Values(Medium::cable, Medium::tcp, Medium::udp), name_of);

Bytes small_sparse()
{
    Bytes image = noise(4096 * 3);
    std::fill_n(image.begin() + 4096, 4096, std::byte{0});
    const auto pieces = io::make_sparse_pieces(io::make_memory(image, "image"), {.max_piece = 1_MiB}).unwrap();
    return io::read_all(*pieces.front(), 1_MiB).unwrap();
}

TEST(FastbootSparse, NeverWritesBeyondThePartitionWhateverTheImageSays)
{
    constexpr std::uint64_t size = 4096 * 3;
    const auto write = [&](ByteOffset at, ByteView bytes) -> Result<> {
        EXPECT_LE(at.value + bytes.size(), size);
        return {};
    };
    const auto image = small_sparse();
    ASSERT_TRUE(is_ok(write_sparse_image(image, ByteCount{size}, write)));
    // Each byte of each header, at each value that is likely to hurt; and each cut.
    for (std::size_t at = 0; at < image.size(); at = at == 40 ? 4136 : at == 4136 + 28 ? image.size() : at + 1) {
        for (const unsigned value : {0x00U, 0x01U, 0x7FU, 0x80U, 0xFFU}) {
            auto damaged = image;
            damaged[at] = static_cast<std::byte>(value);
            ignore(write_sparse_image(damaged, ByteCount{size}, write), "any outcome that writes inside is right");
        }
    }
    for (std::size_t cut = 0; cut < image.size(); cut += 13) {
        EXPECT_TRUE(
            fails_with(write_sparse_image(ByteView{image}.first(cut), ByteCount{size}, write), ErrorCode::refused))
            << cut;
    }
}

TEST(FastbootSparse, RefusesChunksThatDoNotAddUp)
{
    const auto write = [](ByteOffset /*at*/, ByteView /*bytes*/) -> Result<> { return {}; };
    auto image = small_sparse();
    store_le<std::uint32_t>(std::span{image}.subspan(16), 4);
    const auto result = write_sparse_image(image, ByteCount{4096 * 4}, write);
    ASSERT_TRUE(fails_with(result, ErrorCode::refused));
    EXPECT_NE(result.error().what.find("do not add up"), std::string::npos);
}

} // namespace
} // namespace salvage::device
