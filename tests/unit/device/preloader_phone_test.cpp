// What a simulated preloader says, byte by byte.  A real one's words: docs/formats/mediatek-preloader.md.
#include <stop_token>
#include <thread>

#include <gtest/gtest.h>

#include "device/mediatek/brom.hpp"
#include "device/mediatek/legacy_words.hpp"
#include "support/assert_result.hpp"
#include "unit/device/phone_bench.hpp"

namespace salvage::test {
namespace {

using device::Timeout;
using device::brom::Command;

/// A host that says bytes and compares what comes back.
class PlainHost {
public:
    explicit PlainHost(SimulatedPhone& phone) : transport_{phone.plug()}, reader_{*transport_} {}

    void say(std::string_view hex) { EXPECT_TRUE(is_ok(transport_->write(from_hex(hex).unwrap(), Timeout{1000}))); }
    /// In hex; up to the end of what comes within 50 ms.
    std::string hear()
    {
        Bytes heard;
        Bytes one(1);
        while (reader_.read(one, Timeout{50}).has_value()) {
            heard.push_back(one.front());
        }
        return to_hex(heard);
    }
    std::string ask(std::string_view hex)
    {
        say(hex);
        return hear();
    }
    void wait(Timeout time)
    {
        Bytes one(1);
        EXPECT_TRUE(fails_with(reader_.read(one, time), ErrorCode::timed_out));
    }
    void knock_at_a_preloader()
    {
        EXPECT_EQ(ask("a0"), "");
        EXPECT_EQ(ask("a0"), "5f");
        EXPECT_EQ(ask("0a"), "f5");
        EXPECT_EQ(ask("50"), "af");
        EXPECT_EQ(ask("05"), "fa");
    }
    /// Of two bytes: 01 02.
    void send_a_small_agent()
    {
        EXPECT_EQ(ask("d7002000000000000200000000"), "d70020000000000002000000000000");
        EXPECT_EQ(ask("0102"), "02010000") << "checksum, status";
    }

private:
    std::unique_ptr<device::Transport> transport_;
    device::TransportReader reader_;
};

SimulatedPhone::Setup preloader(device::MediatekPhoneOptions options = {})
{
    return {.flash = small_flash(), .options = std::move(options)};
}

/// A phone and a host that has knocked rightly.
struct Met {
    explicit Met(const device::MediatekPhoneOptions& options = {}) : phone{preloader(options)}, host{phone}
    {
        if (options.is_brom) {
            EXPECT_EQ(host.ask("a00a5005"), "5ff5affa");
        } else {
            host.knock_at_a_preloader();
        }
    }

    SimulatedPhone phone;
    PlainHost host;
};

/// A host that knows how to talk, and has knocked rightly.
struct Client {
    explicit Client(SimulatedPhone& phone) : transport{phone.plug()}
    {
        EXPECT_TRUE(is_ok(device::brom::shake_hands(wire)));
    }

    std::unique_ptr<device::Transport> transport;
    device::Wire wire{*transport, Timeout{5000}};
};

TEST(PreloaderPhone, TakesTheFirstKnockForASignOfLife)
{
    SimulatedPhone phone{preloader()};
    PlainHost host{phone};
    EXPECT_EQ(host.ask("42"), "") << "nobody knocked";
    host.knock_at_a_preloader();
}

TEST(PreloaderPhone, GreetsWhoeverHoldsATerminal)
{
    auto setup = preloader();
    setup.packet_bytes = 1;
    SimulatedPhone phone{std::move(setup)};
    PlainHost host{phone};
    EXPECT_EQ(host.hear(), to_hex(as_bytes("READY")));
    host.knock_at_a_preloader();
}

// Nobody holds the terminal, so nothing can be said to it.
TEST(PreloaderPhone, CanBeStoppedBeforeAnybodyCame)
{
    auto terminal = device::open_pseudo_terminal();
    ASSERT_TRUE(is_ok(terminal));
    const auto flash = small_flash();
    std::stop_source stop;
    RunContext context;
    context.stop = stop.get_token();
    const std::jthread person{[&stop] { stop.request_stop(); }};
    const auto ended = device::run_mediatek_phone(*terminal->phone, *flash, {}, device::real_waiter(), context);
    EXPECT_TRUE(fails_with(ended, ErrorCode::cancelled));
}

TEST(PreloaderPhone, PassesOverAKnockThatIsRepeated)
{
    SimulatedPhone phone{preloader()};
    PlainHost host{phone};
    EXPECT_EQ(host.ask("a0"), "");
    EXPECT_EQ(host.ask("a0"), "5f");
    EXPECT_EQ(host.ask("a0a0"), "");
    EXPECT_EQ(host.ask("0a"), "f5");
    EXPECT_EQ(host.ask("a0"), "") << "begun anew";
    EXPECT_EQ(host.ask("0a5005"), "f5affa");
}

TEST(PreloaderPhone, AnswersAWrongKnockWithTheByteBehindIt)
{
    SimulatedPhone phone{preloader()};
    PlainHost host{phone};
    EXPECT_EQ(host.ask("a0"), "");
    EXPECT_EQ(host.ask("a0"), "5f");
    EXPECT_EQ(host.ask("50"), "51");
    EXPECT_EQ(host.ask("0a"), "0b") << "begun anew";
    EXPECT_EQ(host.ask("ff"), "00");
    EXPECT_EQ(host.ask("a00a5005"), "5ff5affa");
}

TEST(PreloaderPhone, ForgetsAToolThatIsLate)
{
    SimulatedPhone phone{preloader()};
    PlainHost host{phone};
    EXPECT_EQ(host.ask("a0"), "");
    EXPECT_EQ(host.ask("a0"), "5f");
    host.wait(Timeout{400});
    host.knock_at_a_preloader();
}

// Whoever missed an answer and only says A0 would otherwise never hear one again.
TEST(PreloaderPhone, ListensAnewToAToolThatHasLostItsStep)
{
    SimulatedPhone phone{preloader()};
    PlainHost host{phone};
    EXPECT_EQ(host.ask("a0"), "");
    std::string knocks;
    for (int i = 0; i < 66; ++i) {
        knocks += "a0";
    }
    EXPECT_EQ(host.ask(knocks), "5f5f") << "64 lead nowhere, the 65th is a sign of life, the 66th is answered";
    EXPECT_EQ(host.ask("0a5005"), "f5affa");
}

TEST(PreloaderPhone, ABootRomAnswersEachKnock)
{
    SimulatedPhone phone{preloader({.is_brom = true})};
    PlainHost host{phone};
    EXPECT_EQ(host.ask("a0a0a00aa00a5005"), "5f5f5ff55ff5affa");
}

TEST(PreloaderPhone, EchoesWhatItDoesNotKnow)
{
    Met met;
    EXPECT_EQ(met.host.ask("c8"), "c8");
    EXPECT_EQ(met.host.ask("ff"), "ff") << "a preloader has no boot ROM's version to tell";
    EXPECT_EQ(met.host.ask("a00a5005"), "a00a5005") << "nobody shakes hands twice";
    EXPECT_EQ(met.host.ask("fe"), "03");
    EXPECT_EQ(met.host.ask("fd"), "fd03260000");
    EXPECT_EQ(met.host.ask("fb"), "fb0000000700000000");
}

TEST(PreloaderPhone, ABootRomTellsItsVersion)
{
    Met met{{.is_brom = true}};
    EXPECT_EQ(met.host.ask("ff"), "05");
    EXPECT_EQ(met.host.ask("fe"), "fe");
}

TEST(PreloaderPhone, SaysOneStatusWhereRegistersCannotBeReached)
{
    Met met;
    EXPECT_EQ(met.host.ask("d11000700000000001"), "d110007000000000010000000000000000") << "status, value, status";
    EXPECT_EQ(met.host.ask("d11000700200000001"), "d11000700200000001ffff") << "not on a word";
    EXPECT_EQ(met.host.ask("d01000700200000001"), "d0100070020000000100000000"
                                                  "0000");
    EXPECT_EQ(met.host.ask("d01000700100000001"), "d01000700100000001ffff");
    EXPECT_EQ(met.host.ask("d41000700000000000"), "d41000700000000000fffe") << "no words";
    EXPECT_EQ(met.host.ask("d41000700200000000"), "d41000700200000000ffff")
        << "nor on a word, which is looked at first";
    EXPECT_EQ(met.host.ask("fe"), "03") << "the next command is understood";
}

TEST(PreloaderPhone, SumsUpAnOddAgent)
{
    Met met;
    EXPECT_EQ(met.host.ask("d7002000000000000300000000"), "d70020000000000003000000000000");
    EXPECT_EQ(met.host.ask("010280"), "02810000") << "0x0201 ^ 0x80";
}

TEST(PreloaderPhone, StartsTheAgentWhereverItIsToldTo)
{
    Met met;
    met.host.send_a_small_agent();
    EXPECT_EQ(met.host.ask("d500201000"), "d5002010000000c0") << "and the agent talks";
}

TEST(PreloaderPhone, RestartsWhereThereIsNoAgentToStart)
{
    Met met;
    EXPECT_EQ(met.host.ask("d500200000"), "d5002000007024");
    met.phone.unplug();
    ASSERT_TRUE(met.phone.outcome().has_value());
    EXPECT_TRUE(fails_with(*met.phone.outcome(), ErrorCode::disconnected));
}

TEST(PreloaderPhone, ABootRomRefusesAnotherAddress)
{
    Met met{{.is_brom = true}};
    met.host.send_a_small_agent();
    EXPECT_EQ(met.host.ask("d500201000"), "d5002010001d0f");
}

TEST(PreloaderPhone, LooksAtTheSignatureWhenTheAgentIsThere)
{
    SimulatedPhone phone{preloader({.faults = {.demand_authentication = true}})};
    Client client{phone};
    const auto identity = device::brom::identify(client.wire);
    ASSERT_TRUE(is_ok(identity));
    EXPECT_EQ(identity->target_config, 7U) << "a preloader has no more flags";
    const auto sent = device::brom::send_agent(client.wire, {}, Bytes(512));
    ASSERT_TRUE(fails_with(sent, ErrorCode::refused));
    EXPECT_NE(sent.error().why.find("0x7024"), std::string::npos);
    EXPECT_NE(sent.error().hint.find("signature"), std::string::npos);
}

TEST(PreloaderPhone, ABootRomDemandsAuthenticationBeforeTheAgent)
{
    SimulatedPhone phone{preloader({.is_brom = true, .faults = {.demand_authentication = true}})};
    Client client{phone};
    const auto sent = device::brom::send_agent(client.wire, {}, Bytes(512));
    ASSERT_TRUE(fails_with(sent, ErrorCode::refused));
    EXPECT_NE(sent.error().why.find("SLA"), std::string::npos);
}

// mtkclient, dalegacy_lib.py (read_flash_info): both of these have a status of their own behind the memory.
TEST(PreloaderPhone, TwoTabletChipsSayFourBytesMore)
{
    EXPECT_EQ(device::legacy::bytes_before_pass(0x8127), 4U);
    EXPECT_EQ(device::legacy::bytes_before_pass(0x8163), 4U);
    EXPECT_EQ(device::legacy::bytes_before_pass(0x6580), 0U);
}

} // namespace
} // namespace salvage::test
