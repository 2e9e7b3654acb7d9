// Meeting a MediaTek phone, and what becomes of it when something goes wrong on the way.
#include <thread>

#include <gtest/gtest.h>

#include "device/mediatek/brom.hpp"
#include "device/mediatek/brom_words.hpp"
#include "device/mediatek/chips.hpp"
#include "support/assert_result.hpp"
#include "unit/device/phone_bench.hpp"

namespace salvage::test {
namespace {

using device::AgentProtocol;
using device::MediatekIdentity;
using device::MediatekPhoneOptions;
using device::PhoneFaults;

constexpr ByteCount mebibyte{1U << 20U};

Result<MediatekIdentity> identify(SimulatedPhone& phone)
{
    const auto transport = phone.plug();
    return device::identify_mediatek(*transport, phone.client_options(), phone.context());
}

TEST(Mediatek, LearnsWhatThePhoneIs)
{
    SimulatedPhone phone{{.flash = small_flash(), .options = {.target_config = 0x1}}};
    const auto identity = identify(phone);
    ASSERT_TRUE(is_ok(identity));
    EXPECT_EQ(identity->mode, MediatekIdentity::Mode::preloader);
    EXPECT_EQ(identity->hw_code, 0x326);
    EXPECT_EQ(identity->chip, "MT6750/MT6755");
    EXPECT_EQ(identity->hw_version, 0xCA01);
    EXPECT_EQ(identity->target_config, 1U);
    EXPECT_EQ(identity->bootloader_version, 3);
    EXPECT_EQ(identity->brom_version, 0xFF) << "a preloader does not tell";
    EXPECT_EQ(identity->me_id.size(), 16U);
    EXPECT_EQ(identity->soc_id.size(), 32U);
    EXPECT_EQ(phone.context().clock->now(), std::chrono::milliseconds{120}) << "one unanswered knock, then no waits";
}

TEST(Mediatek, TellsABootRomFromAPreloader)
{
    SimulatedPhone phone{{.flash = small_flash(), .options = {.is_brom = true}}};
    const auto identity = identify(phone);
    ASSERT_TRUE(is_ok(identity));
    EXPECT_EQ(identity->mode, MediatekIdentity::Mode::brom);
    EXPECT_EQ(identity->brom_version, 5);
    EXPECT_EQ(phone.context().clock->now(), std::chrono::milliseconds{0}) << "it answers the first knock";
}

TEST(Mediatek, KnowsAPhoneThatIsNotInItsTable)
{
    SimulatedPhone phone{{.flash = small_flash(), .options = {.hw_code = 0x4242}}};
    const auto identity = identify(phone);
    ASSERT_TRUE(is_ok(identity));
    EXPECT_EQ(identity->chip, "");
    const auto context = phone.context();
    auto reader = phone.connect()(context);
    ASSERT_TRUE(is_ok(reader));
    EXPECT_TRUE(is_ok(read_back(**reader, "user", ByteRange::first(mebibyte), context)));
}

TEST(Mediatek, PutsTheTargetConfigIntoWords)
{
    EXPECT_TRUE(device::target_config_words(0).empty());
    EXPECT_EQ(device::target_config_words(0xFF).size(), 8U);
    EXPECT_EQ(device::target_config_words(0x2),
              std::vector<std::string>{"authentication of the host (SLA) is demanded"});
    EXPECT_FALSE(device::demands_authentication(0x1 | 0x8 | 0x20 | 0x40 | 0x80));
    EXPECT_TRUE(device::demands_authentication(0x2));
    EXPECT_TRUE(device::demands_authentication(0x4));
    EXPECT_TRUE(device::demands_authentication(0x10));
}

TEST(Mediatek, RefusesAPhoneThatDemandsAuthenticationAndSaysWhatToDo)
{
    SimulatedPhone phone{{.flash = small_flash(), .options = {.faults = {.demand_authentication = true}}}};
    const auto reader = phone.connect()(phone.context());
    ASSERT_TRUE(fails_with(reader, ErrorCode::refused));
    EXPECT_NE(reader.error().why.find("SLA"), std::string::npos);
    EXPECT_NE(reader.error().hint.find("service centre"), std::string::npos);
}

TEST(Mediatek, RefusesWhenTheAnswerToSendDaDemandsAuthentication)
{
    auto pipe = device::make_pipe(512);
    const std::jthread phone{[&] {
        Bytes into(512);
        for (const std::size_t count : {1U, 4U, 4U, 4U}) {
            ASSERT_TRUE(is_ok(pipe.phone->read_some(into, device::Timeout{1000})));
            pipe.phone->write(ByteView{into}.first(count), device::Timeout{1000}).unwrap();
        }
        pipe.phone->write(std::array{std::byte{0x1D}, std::byte{0x0D}}, device::Timeout{1000}).unwrap();
    }};
    device::Wire wire{*pipe.host, device::Timeout{5000}};
    const auto sent = device::brom::send_agent(wire, {}, Bytes(512));
    ASSERT_TRUE(fails_with(sent, ErrorCode::refused));
    EXPECT_NE(sent.error().hint.find("service centre"), std::string::npos);
}

TEST(Mediatek, KnocksAgainUntilThePhoneAnswers)
{
    auto pipe = device::make_pipe(512);
    std::jthread phone{[&] {
        // Says something unasked, sleeps through three knocks, answers the fourth wrongly, then rightly.
        pipe.phone->write(as_bytes("READY"), device::Timeout{1000}).unwrap();
        Bytes into(512);
        for (int i = 0; i < 3; ++i) {
            ASSERT_TRUE(is_ok(pipe.phone->read_some(into, std::chrono::minutes{1})));
        }
        ASSERT_TRUE(is_ok(pipe.phone->read_some(into, std::chrono::minutes{1})));
        pipe.phone->write(std::array{std::byte{0x42}}, device::Timeout{1000}).unwrap();
        for (int i = 0; i < 4; ++i) {
            ASSERT_TRUE(is_ok(pipe.phone->read_some(into, std::chrono::minutes{1})));
            pipe.phone->write(std::array{~into.front()}, device::Timeout{1000}).unwrap();
        }
    }};
    device::Wire wire{*pipe.host, device::Timeout{5000}};
    EXPECT_TRUE(is_ok(device::brom::shake_hands(wire)));
}

TEST(Mediatek, GivesUpOnAPhoneThatNeverAnswers)
{
    auto pipe = device::make_pipe(512);
    std::jthread phone{[&] {
        Bytes into(512);
        while (pipe.phone->read_some(into, std::chrono::minutes{1}).has_value()) {
        }
    }};
    {
        device::Wire wire{*pipe.host, device::Timeout{5000}};
        EXPECT_TRUE(fails_with(device::brom::shake_hands(wire), ErrorCode::timed_out));
        EXPECT_LE(pipe.clock->now(), std::chrono::seconds{7});
    }
    pipe.host.reset();
}

// The Aquaris E4.5's preloader, core/handshake_usb.c (usb_listen): every 20 ms, as long as nobody has knocked.
TEST(Mediatek, KnocksAtAPreloaderThatGreetsAllTheTime)
{
    auto pipe = device::make_pipe(1);
    std::jthread phone{[&] {
        Bytes one(1);
        device::TransportReader reader{*pipe.phone};
        do {
            pipe.phone->write(as_bytes("READY"), device::Timeout{1000}).unwrap();
        } while (!reader.read(one, device::Timeout{20}).has_value());
        // The first knock is not answered, and neither is one more behind it.
        for (const auto each : device::brom::handshake) {
            ASSERT_TRUE(is_ok(reader.read(one, std::chrono::minutes{1})));
            EXPECT_EQ(one.front(), each);
            pipe.phone->write(std::array{~each}, device::Timeout{1000}).unwrap();
        }
    }};
    device::Wire wire{*pipe.host, device::Timeout{5000}};
    EXPECT_TRUE(is_ok(device::brom::shake_hands(wire)));
    EXPECT_LE(pipe.clock->now(), std::chrono::milliseconds{300});
}

TEST(Mediatek, IsNotKeptBusyByGreetingsForEver)
{
    auto pipe = device::make_pipe(1);
    std::jthread phone{[&] {
        while (pipe.phone->write(as_bytes("READYREADYREADYREADY"), std::chrono::minutes{1}).has_value()) {
        }
    }};
    {
        device::Wire wire{*pipe.host, device::Timeout{500}};
        EXPECT_TRUE(fails_with(device::brom::shake_hands(wire), ErrorCode::timed_out));
    }
    pipe.host.reset();
}

TEST(Mediatek, StopsKnockingAmidGreetings)
{
    auto pipe = device::make_pipe(1);
    ASSERT_TRUE(is_ok(pipe.phone->write(as_bytes("READYREADYREADYREADY"), std::chrono::minutes{1})));
    std::stop_source person;
    person.request_stop();
    device::Wire wire{*pipe.host, device::Timeout{5000}};
    wire.heed(person.get_token());
    EXPECT_TRUE(fails_with(device::brom::shake_hands(wire), ErrorCode::cancelled));
    std::array<std::byte, 1> next{};
    EXPECT_EQ(pipe.host->read_some(next, device::Timeout{1}).value_or(0), 1U) << "all greetings were read first";
}

TEST(Mediatek, SaysThatTheDaFileIsForOtherPhones)
{
    SimulatedPhone phone{{.flash = small_flash()}};
    SeededEntropy entropy;
    auto options = phone.client_options();
    options.agents = device::make_synthetic_agents(0x6582, entropy);
    const auto opened = device::open_mediatek(phone.plug(), options, phone.context());
    ASSERT_TRUE(fails_with(opened, ErrorCode::not_found));
    EXPECT_NE(opened.error().why.find("6755"), std::string::npos);
    EXPECT_NE(opened.error().why.find("6582"), std::string::npos);
}

TEST(Mediatek, AsksForADaFile)
{
    SimulatedPhone phone{{.flash = small_flash()}};
    EXPECT_TRUE(fails_with(device::open_mediatek(phone.plug(), {}, phone.context()), ErrorCode::invalid_argument));
}

TEST(Mediatek, DoesNotSpeakXml)
{
    SimulatedPhone phone{{.flash = small_flash()}};
    auto options = phone.client_options();
    std::ranges::copy(as_bytes(std::string_view{"MTK_DA_v6", 10}), options.agents.begin() + 0x20);
    EXPECT_TRUE(fails_with(device::open_mediatek(phone.plug(), options, phone.context()), ErrorCode::unsupported));
}

TEST(Mediatek, ChecksumIsTheXorOfTheWords)
{
    const auto bytes = from_hex("0102 0304 80").unwrap();
    EXPECT_EQ(device::brom::upload_checksum(ByteView{bytes}.first(4)), 0x0201 ^ 0x0403);
    EXPECT_EQ(device::brom::upload_checksum(bytes), 0x0201 ^ 0x0403 ^ 0x80);
    EXPECT_EQ(device::brom::upload_checksum({}), 0);
}

TEST(Mediatek, AStopEndsTheRead)
{
    SimulatedPhone phone{{.flash = small_flash(20U << 20U)}};
    std::stop_source stop;
    auto context = phone.context();
    context.stop = stop.get_token();
    auto reader = phone.connect()(context);
    ASSERT_TRUE(is_ok(reader));
    std::uint64_t good = 0;
    const auto sink = [&](ByteOffset at, ByteView bytes) -> Result<> {
        EXPECT_EQ(at.value, good);
        good += bytes.size();
        stop.request_stop();
        return {};
    };
    const auto* const user = (*reader)->storage().find("user");
    EXPECT_TRUE(fails_with((*reader)->read(*user, ByteRange::first(ByteCount{20U << 20U}), sink, context),
                           ErrorCode::cancelled));
    EXPECT_GT(good, 0U);
    EXPECT_LE(good, 8U << 20U) << "it ends with the stretch under way";
    // The agent is ready for the next command.
    EXPECT_TRUE(is_ok(read_back(**reader, "user", ByteRange::first(mebibyte), phone.context())));
}

TEST(Mediatek, AFailingSinkEndsTheReadAndNotTheSession)
{
    SimulatedPhone phone{{.flash = small_flash(20U << 20U)}};
    const auto context = phone.context();
    auto reader = phone.connect()(context);
    ASSERT_TRUE(is_ok(reader));
    const auto* const user = (*reader)->storage().find("user");
    const auto full = [](ByteOffset, ByteView) -> Result<> {
        return Error{ErrorCode::no_space, "the disk is full", {}, std::nullopt, {}, {}};
    };
    EXPECT_TRUE(fails_with((*reader)->read(*user, ByteRange::first(mebibyte), full, context), ErrorCode::no_space));
    EXPECT_TRUE(is_ok(read_back(**reader, "user", ByteRange::first(mebibyte), context)));
}

TEST(Mediatek, ALongFarewellOverASlowLinkIsCutShort)
{
    SimulatedPhone phone{{.flash = small_flash(20U << 20U), .options = {.faults = {.bytes_a_second = 500'000}}}};
    std::stop_source stop;
    auto context = phone.context();
    context.stop = stop.get_token();
    auto reader = phone.connect()(context);
    ASSERT_TRUE(is_ok(reader));
    std::chrono::nanoseconds stopped_at{};
    const auto sink = [&](ByteOffset, ByteView) -> Result<> {
        stopped_at = context.clock->now();
        stop.request_stop();
        return {};
    };
    const auto* const user = (*reader)->storage().find("user");
    EXPECT_TRUE(fails_with((*reader)->read(*user, ByteRange::first(ByteCount{20U << 20U}), sink, context),
                           ErrorCode::cancelled));
    EXPECT_LE(context.clock->now() - stopped_at, std::chrono::seconds{2});
    EXPECT_TRUE(
        fails_with(read_back(**reader, "user", ByteRange::first(mebibyte), phone.context()), ErrorCode::disconnected));
    // Plugged in again, it works.
    auto again = phone.connect()(phone.context());
    ASSERT_TRUE(is_ok(again));
    EXPECT_TRUE(is_ok(read_back(**again, "user", ByteRange::first(mebibyte), phone.context())));
}

PhoneFaults fault_at(std::string_view name, std::uint64_t at)
{
    PhoneFaults faults;
    if (name == "disconnect") {
        faults.disconnect_at = at;
    } else if (name == "stall") {
        faults.stall_at = at;
    } else if (name == "lose") {
        faults.lose_byte_at = at;
    } else if (name == "short") {
        faults.short_packet_at = at;
    } else if (name == "flip") {
        faults.flip_bit_at = at;
    } else if (name == "status") {
        faults.error_status_at = at;
    }
    return faults;
}

class FaultMatrix : public testing::TestWithParam<std::tuple<AgentProtocol, std::string_view, std::size_t>> {};

/// Every fault at many places: a defined error within bounded time, or the right bytes; and the next plug works.
TEST_P(FaultMatrix, EndsInTimeAndTheNextPlugWorks)
{
    const auto [protocol, name, packet_bytes] = GetParam();
    constexpr ByteCount size{128U << 10U};
    const auto wanted = pattern_bytes(size.value, 14);
    const auto flash = small_flash(size.value);
    const bool is_legacy = protocol == AgentProtocol::legacy;
    // Without a checksum over data, a flipped bit in it goes unseen: that is what a second read is for.
    const bool has_checksums = is_legacy;
    unsigned failed = 0;
    for (std::uint64_t at = 1; at < size.value; at = at < 700 ? at + 11 : at * 2 + 1) {
        SimulatedPhone phone{{.flash = flash,
                              .options = {.hw_code = static_cast<std::uint16_t>(is_legacy ? 0x335 : 0x326),
                                          .protocol = protocol,
                                          .faults = fault_at(name, at),
                                          .read_packet_bytes = 0x4000},
                              .packet_bytes = packet_bytes}};
        const auto context = phone.context();
        const auto run = [&]() -> Result<Bytes> {
            auto reader = SALVAGE_TRY(phone.connect()(context));
            return read_back(*reader, "user", ByteRange::first(size), context);
        };
        const auto first = run();
        EXPECT_LE(context.clock->now(), std::chrono::seconds{30}) << name << " at " << at;
        if (!first.has_value()) {
            ++failed;
            EXPECT_FALSE(first.error().what.empty());
            EXPECT_NE(first.error().code, ErrorCode::internal);
        } else if (has_checksums || name != "flip") {
            EXPECT_TRUE(*first == wanted) << name << " at " << at << " gave wrong bytes without a word";
        }
        const auto second = run();
        ASSERT_TRUE(is_ok(second)) << name << " at " << at << ", second plug";
        EXPECT_TRUE(*second == wanted);
    }
    if (name != "flip") {
        EXPECT_GT(failed, 5U) << "the fault never struck";
    }
}

INSTANTIATE_TEST_SUITE_P(All, FaultMatrix,
                         testing::Combine(testing::Values(AgentProtocol::xflash, AgentProtocol::legacy),
                                          testing::Values("disconnect", "stall", "lose", "short", "flip", "status"),
                                          testing::Values(1U, 512U)));

TEST(Chips, MapsTheCodeOfThePhoneToThatOfDaFiles)
{
    EXPECT_EQ(device::da_code_of(0x326), 0x6755);
    EXPECT_EQ(device::da_code_of(0x321), 0x6735);
    EXPECT_EQ(device::da_code_of(0x766), 0x6765);
    EXPECT_EQ(device::da_code_of(0x4242), 0x4242);
    EXPECT_EQ(device::find_chip(0x4242), nullptr);
    EXPECT_EQ(device::find_chip(0x326)->watchdog.address, 0x10007000U);
    EXPECT_EQ(device::find_chip(0x326)->watchdog.value, 0x22000064U);
}

} // namespace
} // namespace salvage::test
