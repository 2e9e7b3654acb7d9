// The simulated phone itself: its flash, and a whole read through a pseudo terminal.
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "support/assert_result.hpp"
#include "support/files.hpp"
#include "unit/device/phone_bench.hpp"

namespace salvage::test {
namespace {

using device::AgentProtocol;
using device::PhoneFlash;

Result<std::shared_ptr<PhoneFlash>> one_region(std::string name, std::size_t size)
{
    std::vector<PhoneFlash::RegionSource> regions;
    regions.push_back({.name = std::move(name), .path = {}, .bytes = pattern_bytes(size)});
    return PhoneFlash::open(std::move(regions), device::StorageKind::emmc);
}

TEST(PhoneFlash, WantsAUserRegionAndNamesItKnows)
{
    EXPECT_TRUE(fails_with(one_region("boot1", 512), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(one_region("attic", 512), ErrorCode::invalid_argument));
    std::vector<PhoneFlash::RegionSource> twice(2);
    twice[0].name = "user";
    twice[1].name = "user";
    EXPECT_TRUE(fails_with(PhoneFlash::open(std::move(twice), device::StorageKind::emmc), ErrorCode::invalid_argument));
}

TEST(PhoneFlash, KeepsWhatIsWrittenAndRemembersWhere)
{
    const auto flash = one_region("user", 4096).unwrap();
    ASSERT_TRUE(is_ok(flash->write("user", ByteOffset{100}, as_bytes("hello"))));
    Bytes got(5);
    ASSERT_TRUE(is_ok(flash->read("user", ByteOffset{100}, got)));
    EXPECT_EQ(as_text(got), "hello");
    ASSERT_EQ(flash->writes().size(), 1U);
    EXPECT_EQ(flash->writes().front().second, *ByteRange::make(ByteOffset{100}, ByteCount{5}));
}

TEST(PhoneFlash, RefusesWhatLiesBeyondARegion)
{
    const auto flash = one_region("user", 4096).unwrap();
    Bytes two(2);
    EXPECT_TRUE(fails_with(flash->read("user", ByteOffset{4095}, two), ErrorCode::truncated));
    EXPECT_TRUE(fails_with(flash->read("user", ByteOffset{~std::uint64_t{0}}, two), ErrorCode::truncated));
    EXPECT_TRUE(fails_with(flash->write("user", ByteOffset{4095}, two), ErrorCode::truncated));
    EXPECT_TRUE(fails_with(flash->read("boot1", ByteOffset{0}, two), ErrorCode::not_found));
    EXPECT_TRUE(flash->writes().empty());
}

TEST(PhoneFlash, FailsInABadAreaAsOftenAsItWasTold)
{
    const auto flash = one_region("user", 4096).unwrap();
    flash->add_bad_area("user", *ByteRange::make(ByteOffset{512}, ByteCount{512}), 2);
    flash->add_bad_area("user", *ByteRange::make(ByteOffset{2048}, ByteCount{1}));
    Bytes all(1024);
    for (int i = 0; i < 2; ++i) {
        const auto failed = flash->read("user", ByteOffset{0}, all);
        ASSERT_TRUE(fails_with(failed, ErrorCode::unreadable));
        EXPECT_EQ(failed.error().where->chain.back().at.value, 512U);
    }
    EXPECT_TRUE(is_ok(flash->read("user", ByteOffset{0}, all)));
    for (int i = 0; i < 10; ++i) {
        EXPECT_TRUE(fails_with(flash->read("user", ByteOffset{1536}, all), ErrorCode::unreadable));
    }
    EXPECT_TRUE(fails_with(flash->check("user", ByteRange::first(ByteCount{4096})), ErrorCode::unreadable));
    EXPECT_TRUE(is_ok(flash->check("user", ByteRange::first(ByteCount{2048}))));
}

TEST(PhoneFlash, WritesThroughToItsFile)
{
    const TemporaryFolder folder;
    const auto path = folder.path() / "user.img";
    std::ofstream{path} << std::string(1024, 'x');
    std::vector<PhoneFlash::RegionSource> regions;
    regions.push_back({.name = "user", .path = path, .bytes = {}});
    {
        const auto flash = PhoneFlash::open(std::move(regions), device::StorageKind::emmc).unwrap();
        EXPECT_EQ(flash->info().find("user")->size.value, 1024U);
        ASSERT_TRUE(is_ok(flash->write("user", ByteOffset{0}, as_bytes("y"))));
        Bytes two(2);
        ASSERT_TRUE(is_ok(flash->read("user", ByteOffset{0}, two)));
        EXPECT_EQ(as_text(two), "yx");
    }
    char first = 0;
    std::ifstream{path}.get(first);
    EXPECT_EQ(first, 'y');
}

class PhoneOverATerminal : public testing::TestWithParam<AgentProtocol> {};

TEST_P(PhoneOverATerminal, IsReadOutCompletely)
{
    const bool is_legacy = GetParam() == AgentProtocol::legacy;
    const auto hw_code = static_cast<std::uint16_t>(is_legacy ? 0x335 : 0x326);
    auto terminal = device::open_pseudo_terminal();
    ASSERT_TRUE(is_ok(terminal));
    const auto flash = small_flash(2U << 20U);
    Result<> ended;
    std::jthread phone{[&](const std::stop_token& stop) {
        RunContext context;
        context.stop = stop;
        ended = device::run_mediatek_phone(*terminal->phone, *flash, {.hw_code = hw_code, .protocol = GetParam()},
                                           device::real_waiter(), context);
    }};
    SeededEntropy entropy;
    const device::MediatekOptions options{.agents =
                                              device::make_synthetic_agents(is_legacy ? 0x6735 : 0x6755, entropy)};
    auto port = device::open_serial(terminal->path);
    ASSERT_TRUE(is_ok(port));
    auto reader = device::open_mediatek(std::move(*port), options, {});
    ASSERT_TRUE(is_ok(reader));
    const auto got = read_back(**reader, "user", ByteRange::first(ByteCount{2U << 20U}), {});
    ASSERT_TRUE(is_ok(got));
    EXPECT_TRUE(*got == pattern_bytes(2U << 20U, 14));
    EXPECT_TRUE(is_ok((*reader)->finish(device::FlashWriter::Goodbye::boot)));
    phone.join();
    EXPECT_TRUE(is_ok(ended));
}

INSTANTIATE_TEST_SUITE_P(Protocols, PhoneOverATerminal, testing::Values(AgentProtocol::xflash, AgentProtocol::legacy));

TEST(SyntheticAgents, AreTheSameForTheSameChance)
{
    SeededEntropy one;
    SeededEntropy two;
    EXPECT_EQ(device::make_synthetic_agents(0x6755, one), device::make_synthetic_agents(0x6755, two));
}

} // namespace
} // namespace salvage::test
