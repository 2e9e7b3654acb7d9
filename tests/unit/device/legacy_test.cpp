// Whole conversations with a simulated phone whose agent speaks the legacy protocol.
#include <array>

#include <gtest/gtest.h>

#include "device/mediatek/legacy_config.hpp"
#include "device/mediatek/legacy_storage.hpp"
#include "device/mediatek/legacy_words.hpp"
#include "support/assert_result.hpp"
#include "unit/device/phone_bench.hpp"

namespace salvage::test {
namespace {

using device::AgentProtocol;
using device::MediatekPhoneOptions;

constexpr ByteCount mebibyte{1U << 20U};

MediatekPhoneOptions legacy_phone(std::uint16_t hw_code = 0x335)
{
    return {.hw_code = hw_code, .protocol = AgentProtocol::legacy};
}

class LegacyRead : public testing::TestWithParam<std::size_t> {};

TEST_P(LegacyRead, GivesEachRegionAsItIs)
{
    constexpr std::size_t size = (2U << 20U) + 512;
    SimulatedPhone phone{{.flash = small_flash(size), .options = legacy_phone(), .packet_bytes = GetParam()}};
    const auto context = phone.context();
    auto reader = phone.connect()(context);
    ASSERT_TRUE(is_ok(reader));
    const auto user = read_back(**reader, "user", ByteRange::first(ByteCount{size}), context);
    ASSERT_TRUE(is_ok(user));
    EXPECT_TRUE(*user == pattern_bytes(size, 14));
    const auto boot = read_back(**reader, "boot2", ByteRange::first(ByteCount{256U << 10U}), context);
    ASSERT_TRUE(is_ok(boot));
    EXPECT_TRUE(*boot == pattern_bytes(256U << 10U, 12));
    const auto odd = read_back(**reader, "user", *ByteRange::make(ByteOffset{777}, ByteCount{1001}), context);
    ASSERT_TRUE(is_ok(odd));
    EXPECT_TRUE(std::ranges::equal(*odd, ByteView{*user}.subspan(777, 1001)));
}

INSTANTIATE_TEST_SUITE_P(Transports, LegacyRead, testing::Values(1U, 64U, 512U, 1024U));

class LegacyChip : public testing::TestWithParam<std::uint16_t> {};

TEST_P(LegacyChip, GetsTheConfigurationItWants)
{
    SimulatedPhone phone{{.flash = small_flash(), .options = legacy_phone(GetParam())}};
    const auto context = phone.context();
    auto reader = phone.connect()(context);
    ASSERT_TRUE(is_ok(reader));
    EXPECT_TRUE(is_ok(read_back(**reader, "user", ByteRange::first(ByteCount{4096}), context)));
}

INSTANTIATE_TEST_SUITE_P(Chips, LegacyChip,
                         testing::Values(0x335, 0x6572, 0x6575, 0x6580, 0x6582, 0x6592, 0x8127, 0x8163));

TEST(Legacy, SendsAsManyBytesOfConfigurationAsItSaysItDoes)
{
    for (const auto hw_code :
         std::to_array<std::uint16_t>({0x335, 0x6571, 0x6580, 0x6582, 0x6583, 0x6589, 0x6592, 0x8127, 0x8163})) {
        std::size_t bytes = 0;
        for (const auto& field : device::legacy::stage_config({.hw_code = hw_code})) {
            bytes += field.size();
        }
        EXPECT_EQ(bytes, device::legacy::common_config_bytes + device::legacy::extra_config_bytes(hw_code));
    }
}

TEST(Legacy, TellsTheSameIdentityAsXflashDoes)
{
    SimulatedPhone phone{{.flash = small_flash(), .options = legacy_phone()}};
    auto reader = phone.connect()(phone.context());
    ASSERT_TRUE(is_ok(reader));
    EXPECT_EQ((*reader)->identity(), "emmc 90014a53414c56473101123456789a01");
    EXPECT_EQ((*reader)->storage().dram.value, 2ULL << 30U);
    EXPECT_EQ((*reader)->storage().sram.value, 0x40000U);
    EXPECT_EQ((*reader)->storage().firmware_version, 1U);
}

TEST(Legacy, ReadsAPacketWithAWrongChecksumAgain)
{
    auto options = legacy_phone();
    options.faults.flip_bit_at = (1U << 20U) + (1U << 19U);
    SimulatedPhone phone{{.flash = small_flash(3U << 20U), .options = options}};
    const auto context = phone.context();
    auto reader = phone.connect()(context);
    ASSERT_TRUE(is_ok(reader));
    const auto got = read_back(**reader, "user", ByteRange::first(ByteCount{3U << 20U}), context);
    ASSERT_TRUE(is_ok(got));
    EXPECT_TRUE(*got == pattern_bytes(3U << 20U, 14)) << "a flipped bit got through";
    EXPECT_EQ(phone.plugs(), 1U);
}

TEST(Legacy, ReportsABadAreaAndGoesOn)
{
    auto flash = small_flash();
    flash->add_bad_area("user", *ByteRange::make(ByteOffset{0x40000}, ByteCount{512}));
    SimulatedPhone phone{{.flash = flash, .options = legacy_phone()}};
    const auto context = phone.context();
    auto reader = phone.connect()(context);
    ASSERT_TRUE(is_ok(reader));
    EXPECT_TRUE(fails_with(read_back(**reader, "user", ByteRange::first(mebibyte), context), ErrorCode::unreadable));
    const auto before = read_back(**reader, "user", ByteRange::first(ByteCount{0x40000}), context);
    ASSERT_TRUE(is_ok(before));
    EXPECT_TRUE(std::ranges::equal(*before, ByteView{pattern_bytes(mebibyte.value, 14)}.first(0x40000)));
    EXPECT_EQ(phone.plugs(), 1U);
}

TEST(Legacy, DoesNotWrite)
{
    auto flash = small_flash();
    SimulatedPhone phone{{.flash = flash, .options = legacy_phone()}};
    auto writer = phone.open_writer();
    ASSERT_TRUE(is_ok(writer));
    const auto origin = [](ByteOffset, std::span<std::byte>) -> Result<> { return {}; };
    EXPECT_TRUE(fails_with(
        (*writer)->write(*(*writer)->storage().find("user"), ByteRange::first(mebibyte), origin, phone.context()),
        ErrorCode::unsupported));
    EXPECT_TRUE(flash->writes().empty());
    EXPECT_TRUE(is_ok((*writer)->finish(device::FlashWriter::Goodbye::power_off)));
}

TEST(Legacy, SaysThatBromModeIsNotForItsAge)
{
    auto options = legacy_phone();
    options.is_brom = true;
    SimulatedPhone phone{{.flash = small_flash(), .options = options, .preloader = Bytes(1024)}};
    EXPECT_TRUE(fails_with(phone.connect()(phone.context()), ErrorCode::unsupported));
}

TEST(LegacyStorage, AnswersCutAtEveryLengthAreErrors)
{
    Bytes answer(device::legacy::emmc_info_bytes);
    answer[4 + 56 + 5] = std::byte{1};
    ASSERT_TRUE(is_ok(device::legacy::parse_emmc_info(answer)));
    for (std::size_t size = 0; size < answer.size(); ++size) {
        EXPECT_TRUE(fails_with(device::legacy::parse_emmc_info(ByteView{answer}.first(size)), ErrorCode::truncated));
    }
}

} // namespace
} // namespace salvage::test
