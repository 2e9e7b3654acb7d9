// Faults of the simulated bootloader: each strikes at the same byte over every medium.
#include <string>

#include "fastboot_bench.hpp"

namespace salvage::device {
namespace {

// One exchange, byte by byte: "getvar:version" is bytes 0 to 13, "OKAY0.5" 14 to 20; then "download:00000004" 21 to 37,
// "DATA00000004" 38 to 49, the data 50 to 53, "OKAY" 54 to 57, "flash:userdata" 58 to 71, "OKAY" 72 to 75.
constexpr std::uint64_t version_at = 18;
constexpr std::uint64_t data_at = 50;

constexpr Timeout patience{5000};
/// What is not to come is waited for shortly.
constexpr Timeout impatience{100};

class FastbootFaults : public FastbootPhoneTest {
protected:
    static Result<std::string> ask(FastbootLink& link, std::string_view command, Timeout timeout = patience)
    {
        SALVAGE_TRY(link.send(as_bytes(command), patience));
        return link.receive(timeout);
    }
    /// What the phone says to "getvar:version".
    std::string version()
    {
        start();
        link_ = link();
        return ask(*link_, "getvar:version").value();
    }
    /// Flashes four bytes after that; what lies in userdata then.
    Bytes flash_four(ByteView bytes)
    {
        EXPECT_EQ(version(), "OKAY0.5");
        EXPECT_EQ(ask(*link_, "download:00000004").value(), "DATA00000004");
        EXPECT_EQ(ask(*link_, as_text(bytes)).value(), "OKAY");
        EXPECT_EQ(ask(*link_, "flash:userdata").value(), "OKAY");
        return content(range(userdata_at, 4));
    }
    /// Over UDP nobody says that a phone is gone.
    [[nodiscard]] static ErrorCode gone()
    {
        return GetParam() == Medium::udp ? ErrorCode::timed_out : ErrorCode::disconnected;
    }

    Bytes four_{std::byte{'a'}, std::byte{'b'}, std::byte{'c'}, std::byte{'d'}};
    std::unique_ptr<FastbootLink> link_;
};
INSTANTIATE_TEST_SUITE_P(Over, FastbootFaults, ::testing::Values(Medium::cable, Medium::tcp, Medium::udp), name_of);

TEST_P(FastbootFaults, LosesTheNamedByteOfAnAnswer)
{
    options_.faults.lose_byte_at = version_at + 1;
    EXPECT_EQ(version(), "OKAY05");
    EXPECT_EQ(ask(*link_, "getvar:version").value(), "OKAY0.5") << "once";
}

TEST_P(FastbootFaults, LosesTheNamedByteOfACommand)
{
    options_.faults.lose_byte_at = 13;
    EXPECT_EQ(version(), "OKAY") << "it was asked for \"versio\"";
}

TEST_P(FastbootFaults, LosesTheNamedByteOfADownload)
{
    options_.faults.lose_byte_at = data_at + 1;
    EXPECT_EQ(version(), "OKAY0.5");
    EXPECT_EQ(ask(*link_, "download:00000004").value(), "DATA00000004");
    EXPECT_TRUE(fails_with(ask(*link_, "abcd", impatience), ErrorCode::timed_out)) << "the phone waits for one more";
    EXPECT_EQ(ask(*link_, "e").value(), "OKAY");
    EXPECT_EQ(ask(*link_, "flash:userdata").value(), "OKAY");
    EXPECT_EQ(as_text(content(range(userdata_at, 4))), "acde");
}

TEST_P(FastbootFaults, TurnsABitOfTheNamedByte)
{
    options_.faults.flip_bit_at = version_at;
    EXPECT_EQ(version(), "OKAY1.5");
    EXPECT_EQ(ask(*link_, "getvar:version").value(), "OKAY0.5") << "once";
}

TEST_P(FastbootFaults, TurnsABitOfADownloadWhichNobodySees)
{
    options_.faults.flip_bit_at = data_at + 2;
    EXPECT_EQ(as_text(flash_four(four_)), "abbd");
}

TEST_P(FastbootFaults, CutsTheTransferThatReachesTheByte)
{
    options_.faults.short_packet_at = version_at + 1;
    EXPECT_EQ(version(), "OKAY0");
    EXPECT_EQ(ask(*link_, "getvar:version").value(), "OKAY0.5") << "once";
}

TEST_P(FastbootFaults, CutsADownloadForWhoseEndThePhoneWaits)
{
    options_.faults.short_packet_at = data_at + 2;
    EXPECT_EQ(version(), "OKAY0.5");
    EXPECT_EQ(ask(*link_, "download:00000004").value(), "DATA00000004");
    EXPECT_TRUE(fails_with(ask(*link_, "abcd", impatience), ErrorCode::timed_out));
    EXPECT_EQ(ask(*link_, "ef").value(), "OKAY");
    EXPECT_EQ(ask(*link_, "flash:userdata").value(), "OKAY");
    EXPECT_EQ(as_text(content(range(userdata_at, 4))), "abef");
}

TEST_P(FastbootFaults, SwallowsATransferOfWhichNothingIsLeft)
{
    options_.faults.short_packet_at = version_at - 4;
    start();
    link_ = link();
    EXPECT_TRUE(fails_with(ask(*link_, "getvar:version", impatience), ErrorCode::timed_out));
    EXPECT_EQ(ask(*link_, "getvar:version").value(), "OKAY0.5");
}

TEST_P(FastbootFaults, PullsTheCableBeforeTheNamedByte)
{
    options_.faults.disconnect_at = data_at + 3;
    EXPECT_EQ(version(), "OKAY0.5");
    EXPECT_EQ(ask(*link_, "download:00000004").value(), "DATA00000004");
    EXPECT_TRUE(fails_with(ask(*link_, "abcd", impatience), gone()));
}

TEST_P(FastbootFaults, FallsSilentAtTheNamedByte)
{
    options_.faults.stall_at = data_at + 4;
    EXPECT_EQ(version(), "OKAY0.5");
    EXPECT_EQ(ask(*link_, "download:00000004").value(), "DATA00000004");
    EXPECT_TRUE(fails_with(ask(*link_, "abcd", impatience), ErrorCode::timed_out)) << "its OKAY does not come";
}

TEST_P(FastbootFaults, SaysAnErrorForTheNextOkay)
{
    options_.faults.error_status_at = data_at;
    EXPECT_EQ(version(), "OKAY0.5");
    EXPECT_EQ(ask(*link_, "download:00000004").value(), "DATA00000004");
    EXPECT_TRUE(ask(*link_, "abcd").value().starts_with("FAIL"));
    EXPECT_EQ(ask(*link_, "getvar:version").value(), "OKAY0.5") << "once";
}

TEST_P(FastbootFaults, TakesItsTimeForWhatCrossesASlowLink)
{
    options_.faults.bytes_a_second = 100;
    EXPECT_EQ(as_text(flash_four(four_)), "abcd");
    // 76 bytes in both directions.
    EXPECT_EQ(std::chrono::round<std::chrono::milliseconds>(waiter_.waited()), std::chrono::milliseconds{760});
}

/// A link with large buffers takes all at once, and the phone has it much later.
class FastbootSlowLink : public FastbootPhoneTest {};
INSTANTIATE_TEST_SUITE_P(Over, FastbootSlowLink, ::testing::Values(Medium::cable), name_of);

TEST_P(FastbootSlowLink, HasTheTimeThatADownloadInItsBuffersTakes)
{
    options_.faults.bytes_a_second = 10'000;
    does_cable_take_time_ = true;
    auto fastboot = connect();
    const auto image = noise(1'000'000); // 100 seconds
    ASSERT_TRUE(is_ok(flash(fastboot, "userdata", image)));
    EXPECT_EQ(content(range(userdata_at, image.size())), image);
}

TEST_P(FastbootFaults, AreGivenUpAfterTheWaitsThatWereAskedFor)
{
    options_.faults.stall_at = version_at;
    start();
    Fastboot fastboot{link(), {}, {.answer = impatience, .work = impatience}};
    EXPECT_TRUE(fails_with(fastboot.variable("version"), ErrorCode::timed_out));
    EXPECT_TRUE(fails_with(fastboot.variable("version"), ErrorCode::disconnected)) << "out of step from then on";
}

} // namespace
} // namespace salvage::device
