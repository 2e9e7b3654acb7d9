// Two ends in one process and the time between them.
#include <thread>

#include <gtest/gtest.h>

#include "support/assert_result.hpp"
#include "unit/device/phone_bench.hpp"

namespace salvage::test {
namespace {

using device::Timeout;
using std::chrono::milliseconds;

constexpr Timeout second{1000};

milliseconds now(const device::Pipe& pipe)
{
    return std::chrono::duration_cast<milliseconds>(pipe.clock->now());
}

TEST(Pipe, KeepsTransfersApart)
{
    auto pipe = device::make_pipe(512);
    ASSERT_TRUE(is_ok(pipe.phone->write(as_bytes("header"), second)));
    ASSERT_TRUE(is_ok(pipe.phone->write(as_bytes("payload"), second)));
    Bytes into(512);
    const auto first = pipe.host->read_some(into, second);
    ASSERT_TRUE(is_ok(first));
    EXPECT_EQ(as_text(ByteView{into}.first(*first)), "header");
    const auto then = pipe.host->read_some(into, second);
    ASSERT_TRUE(is_ok(then));
    EXPECT_EQ(as_text(ByteView{into}.first(*then)), "payload");
}

TEST(Pipe, JoinsTransfersInAStream)
{
    auto pipe = device::make_pipe(1);
    ASSERT_TRUE(is_ok(pipe.phone->write(as_bytes("head"), second)));
    ASSERT_TRUE(is_ok(pipe.phone->write({}, second)));
    ASSERT_TRUE(is_ok(pipe.phone->write(as_bytes("er"), second)));
    Bytes into(5);
    ASSERT_TRUE(is_ok(pipe.host->read_some(into, second)));
    EXPECT_EQ(as_text(into), "heade");
}

TEST(Pipe, CatchesAReadThatIsSmallerThanItsPacket)
{
    auto pipe = device::make_pipe(512);
    ASSERT_TRUE(is_ok(pipe.phone->write(Bytes(13), second)));
    Bytes into(12);
    EXPECT_TRUE(fails_with(pipe.host->read_some(into, second), ErrorCode::malformed));
}

TEST(Pipe, ReadsALongTransferPacketByPacket)
{
    auto pipe = device::make_pipe(512);
    const auto sent = pattern_bytes(1200);
    ASSERT_TRUE(is_ok(pipe.phone->write(sent, second)));
    Bytes got;
    for (const std::size_t expected : {512U, 512U, 176U}) {
        Bytes into(512);
        const auto count = pipe.host->read_some(into, second);
        ASSERT_TRUE(is_ok(count));
        EXPECT_EQ(*count, expected);
        got.insert(got.end(), into.begin(), into.begin() + static_cast<std::ptrdiff_t>(*count));
    }
    EXPECT_EQ(got, sent);
}

TEST(Pipe, EndsAReadWithAShortPacketAndNotWithAFullOne)
{
    auto pipe = device::make_pipe(512);
    ASSERT_TRUE(is_ok(pipe.phone->write(Bytes(512), second)));
    ASSERT_TRUE(is_ok(pipe.phone->write(Bytes(12), second)));
    ASSERT_TRUE(is_ok(pipe.phone->write(Bytes(7), second)));
    Bytes into(2048);
    const auto first = pipe.host->read_some(into, second);
    ASSERT_TRUE(is_ok(first));
    EXPECT_EQ(*first, 524U);
}

TEST(Pipe, PassesOverAZeroLengthPacketAndEndsAReadWithOne)
{
    auto pipe = device::make_pipe(512);
    ASSERT_TRUE(is_ok(pipe.phone->write({}, second)));
    ASSERT_TRUE(is_ok(pipe.phone->write(Bytes(512), second)));
    ASSERT_TRUE(is_ok(pipe.phone->write({}, second)));
    ASSERT_TRUE(is_ok(pipe.phone->write(Bytes(7), second)));
    Bytes into(2048);
    const auto first = pipe.host->read_some(into, second);
    ASSERT_TRUE(is_ok(first));
    EXPECT_EQ(*first, 512U);
}

TEST(Pipe, GivesBufferedBytesBeforeItSaysThatTheOtherEndIsGone)
{
    auto pipe = device::make_pipe(512);
    ASSERT_TRUE(is_ok(pipe.phone->write(as_bytes("last words"), second)));
    pipe.phone.reset();
    Bytes into(512);
    EXPECT_TRUE(is_ok(pipe.host->read_some(into, second)));
    EXPECT_TRUE(fails_with(pipe.host->read_some(into, second), ErrorCode::disconnected));
    EXPECT_TRUE(fails_with(pipe.host->write(into, second), ErrorCode::disconnected));
}

TEST(Pipe, JumpsToTheEarlierDeadlineWhenBothWait)
{
    auto pipe = device::make_pipe(512);
    std::jthread phone{[&] {
        Bytes into(512);
        EXPECT_TRUE(fails_with(pipe.phone->read_some(into, std::chrono::hours{2}), ErrorCode::timed_out));
        EXPECT_EQ(now(pipe), std::chrono::hours{2});
        ASSERT_TRUE(is_ok(pipe.phone->write(Bytes(1), second)));
    }};
    Bytes into(512);
    EXPECT_TRUE(fails_with(pipe.host->read_some(into, std::chrono::hours{1}), ErrorCode::timed_out));
    EXPECT_EQ(now(pipe), std::chrono::hours{1});
    EXPECT_TRUE(is_ok(pipe.host->read_some(into, std::chrono::hours{3})));
    EXPECT_EQ(now(pipe), std::chrono::hours{2});
}

TEST(Pipe, WaitsOfThePhoneTakeNoRealTime)
{
    auto pipe = device::make_pipe(512);
    std::jthread phone{[&] {
        pipe.waiter->wait(std::chrono::hours{24});
        ASSERT_TRUE(is_ok(pipe.phone->write(Bytes(1), second)));
    }};
    Bytes into(512);
    EXPECT_TRUE(is_ok(pipe.host->read_some(into, std::chrono::hours{48})));
    EXPECT_EQ(now(pipe), std::chrono::hours{24});
}

TEST(Pipe, LetsAWriterWaitForRoom)
{
    auto pipe = device::make_pipe(512);
    const Bytes mebibyte(1U << 20U);
    for (int i = 0; i < 4; ++i) {
        ASSERT_TRUE(is_ok(pipe.phone->write(mebibyte, second)));
    }
    std::jthread phone{[&] {
        // The first finds room as soon as the host has read, the second never.
        EXPECT_TRUE(is_ok(pipe.phone->write(mebibyte, second)));
        EXPECT_TRUE(fails_with(pipe.phone->write(mebibyte, second), ErrorCode::timed_out));
        pipe.phone->write(Bytes(1), std::chrono::hours{1}).unwrap();
    }};
    Bytes into(1U << 20U);
    ASSERT_TRUE(is_ok(pipe.host->read_some(into, second)));
    // Nothing to say, nothing to hear: the host waits in vain for room of its own.
    for (int i = 0; i < 4; ++i) {
        ASSERT_TRUE(is_ok(pipe.host->write(mebibyte, second)));
    }
    EXPECT_TRUE(fails_with(pipe.host->write(mebibyte, Timeout{5000}), ErrorCode::timed_out));
    EXPECT_EQ(now(pipe), milliseconds{5000});
    for (int i = 0; i < 4; ++i) {
        ASSERT_TRUE(is_ok(pipe.host->read_some(into, second)));
    }
    EXPECT_TRUE(is_ok(pipe.host->read_some(into, second)));
}

TEST(Pipe, PullingTheCableEndsBothWaits)
{
    auto pipe = device::make_pipe(512);
    std::jthread phone{[&] {
        Bytes into(512);
        EXPECT_TRUE(fails_with(pipe.phone->read_some(into, std::chrono::hours{1}), ErrorCode::disconnected));
    }};
    pipe.pull();
    Bytes into(512);
    EXPECT_TRUE(fails_with(pipe.host->read_some(into, second), ErrorCode::disconnected));
}

} // namespace
} // namespace salvage::test
