// Exact reads, serial ports and pseudo terminals.
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "support/assert_result.hpp"
#include "support/files.hpp"
#include "unit/device/phone_bench.hpp"

namespace salvage::test {
namespace {

using device::Timeout;
using device::TransportReader;

constexpr Timeout second{1000};

TEST(TransportReader, GivesExactCountsOutOfWhateverComes)
{
    auto pipe = device::make_pipe(1);
    const auto sent = pattern_bytes(100'000);
    std::jthread phone{[&] {
        for (std::size_t at = 0; at < sent.size(); at += 1000) {
            ASSERT_TRUE(is_ok(pipe.phone->write(ByteView{sent}.subspan(at, 1000), second)));
        }
    }};
    TransportReader reader{*pipe.host};
    Bytes got;
    for (const std::size_t count : {1U, 11U, 999U, 1001U, 20'000U, 3U, 77'985U}) {
        Bytes piece(count);
        ASSERT_TRUE(is_ok(reader.read(piece, second)));
        got.insert(got.end(), piece.begin(), piece.end());
    }
    EXPECT_EQ(got, sent);
}

TEST(TransportReader, AsksForWholePacketsAndNoMoreThanIsDue)
{
    auto pipe = device::make_pipe(512);
    const auto sent = pattern_bytes(512 + 12);
    std::jthread phone{[&] {
        // A transfer of exactly one packet does not end with a short one: whoever asks for more would wait in vain.
        ASSERT_TRUE(is_ok(pipe.phone->write(ByteView{sent}.first(512), second)));
        Bytes answer(512);
        ASSERT_TRUE(is_ok(pipe.phone->read_some(answer, second)));
        ASSERT_TRUE(is_ok(pipe.phone->write(ByteView{sent}.subspan(512), second)));
    }};
    TransportReader reader{*pipe.host};
    Bytes got(512);
    ASSERT_TRUE(is_ok(reader.read(got, second)));
    ASSERT_TRUE(is_ok(pipe.host->write(Bytes(1), second)));
    Bytes rest(12);
    ASSERT_TRUE(is_ok(reader.read(rest, second)));
    EXPECT_EQ(pipe.clock->now().count(), 0) << "somebody waited";
    got.insert(got.end(), rest.begin(), rest.end());
    EXPECT_EQ(got, sent);
}

TEST(TransportReader, DrainsUntilItIsQuiet)
{
    auto pipe = device::make_pipe(512);
    std::jthread phone{[&] {
        ASSERT_TRUE(is_ok(pipe.phone->write(as_bytes("READY"), second)));
        pipe.waiter->wait(std::chrono::milliseconds{10});
        ASSERT_TRUE(is_ok(pipe.phone->write(as_bytes("READY"), second)));
        pipe.waiter->wait(std::chrono::milliseconds{100});
        ASSERT_TRUE(is_ok(pipe.phone->write(as_bytes("!"), second)));
    }};
    TransportReader reader{*pipe.host};
    ASSERT_TRUE(is_ok(reader.drain(Timeout{20})));
    Bytes one(1);
    ASSERT_TRUE(is_ok(reader.read(one, second)));
    EXPECT_EQ(as_text(one), "!");
}

TEST(Serial, SaysThatThereIsNoSuchPort)
{
    EXPECT_TRUE(fails_with(device::open_serial("/dev/ttySalvageNone"), ErrorCode::not_found));
}

TEST(Serial, RefusesWhatIsNoTerminal)
{
    EXPECT_TRUE(fails_with(device::open_serial("/dev/null"), ErrorCode::io));
}

TEST(PseudoTerminal, CarriesAllByteValuesBothWays)
{
    auto terminal = device::open_pseudo_terminal();
    ASSERT_TRUE(is_ok(terminal));
    auto host = device::open_serial(terminal->path);
    ASSERT_TRUE(is_ok(host));
    Bytes all(256);
    for (std::size_t i = 0; i < all.size(); ++i) {
        all[i] = static_cast<std::byte>(i);
    }
    Bytes got(all.size());
    ASSERT_TRUE(is_ok((*host)->write(all, second)));
    TransportReader phone_reader{*terminal->phone};
    ASSERT_TRUE(is_ok(phone_reader.read(got, second)));
    EXPECT_EQ(got, all);
    ASSERT_TRUE(is_ok(terminal->phone->write(all, second)));
    TransportReader host_reader{**host};
    ASSERT_TRUE(is_ok(host_reader.read(got, second)));
    EXPECT_EQ(got, all);
    EXPECT_EQ((*host)->name(), terminal->path);
    EXPECT_EQ((*host)->packet_bytes(), 1U);
}

TEST(PseudoTerminal, WaitsForAHostAndNoticesThatItHasGone)
{
    auto terminal = device::open_pseudo_terminal();
    ASSERT_TRUE(is_ok(terminal));
    Bytes one(1);
    EXPECT_TRUE(fails_with(terminal->phone->read_some(one, Timeout{20}), ErrorCode::timed_out));
    {
        auto host = device::open_serial(terminal->path);
        ASSERT_TRUE(is_ok(host));
        ASSERT_TRUE(is_ok((*host)->write(Bytes(1), second)));
        ASSERT_TRUE(is_ok(terminal->phone->read_some(one, second)));
    }
    EXPECT_TRUE(fails_with(terminal->phone->read_some(one, second), ErrorCode::disconnected));
    // And the next one may come.
    EXPECT_TRUE(fails_with(terminal->phone->read_some(one, Timeout{20}), ErrorCode::timed_out));
    auto next = device::open_serial(terminal->path);
    ASSERT_TRUE(is_ok(next));
    ASSERT_TRUE(is_ok((*next)->write(Bytes(1), second)));
    EXPECT_TRUE(is_ok(terminal->phone->read_some(one, second)));
}

TEST(PseudoTerminal, TellsTheHostThatThePhoneHasGone)
{
    auto terminal = device::open_pseudo_terminal();
    ASSERT_TRUE(is_ok(terminal));
    auto host = device::open_serial(terminal->path);
    ASSERT_TRUE(is_ok(host));
    terminal->phone.reset();
    Bytes one(1);
    EXPECT_TRUE(fails_with((*host)->read_some(one, second), ErrorCode::disconnected));
    EXPECT_TRUE(fails_with((*host)->write(one, second), ErrorCode::disconnected));
}

} // namespace
} // namespace salvage::test
