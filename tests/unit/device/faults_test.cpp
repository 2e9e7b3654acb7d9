// What becomes of a transfer on a faulty cable.
#include <chrono>
#include <span>
#include <string>

#include <gtest/gtest.h>

#include "device/phone/faults.hpp"

namespace salvage::device {
namespace {

using Cable = FaultCounter::Cable;

/// "abcdefgh" crosses; what of it arrives.
struct Crossing {
    explicit Crossing(FaultCounter& counter)
    {
        std::string text{"abcdefgh"};
        const auto passage = counter.pass(std::as_writable_bytes(std::span<char>{text}));
        arrived = text.substr(0, passage.left);
        cable = passage.cable;
    }

    std::string arrived;
    Cable cable;
};

TEST(FaultCounter, PullsTheCableBehindACutOfTheSameTransfer)
{
    FaultCounter counter{{.disconnect_at = 5, .short_packet_at = 3}};
    const Crossing crossing{counter};
    EXPECT_EQ(crossing.arrived, "abc");
    EXPECT_EQ(crossing.cable, Cable::pulled);
    EXPECT_FALSE(counter.has_pull());
}

TEST(FaultCounter, FallsSilentBehindACutOfTheSameTransfer)
{
    FaultCounter counter{{.stall_at = 5, .short_packet_at = 3}};
    const Crossing crossing{counter};
    EXPECT_EQ(crossing.arrived, "abc");
    EXPECT_EQ(crossing.cable, Cable::silent);
}

TEST(FaultCounter, CutsNothingBehindThePull)
{
    FaultCounter counter{{.disconnect_at = 3, .short_packet_at = 5}};
    const Crossing crossing{counter};
    EXPECT_EQ(crossing.arrived, "abc");
    EXPECT_EQ(crossing.cable, Cable::pulled);
}

TEST(FaultCounter, SpoilsWhatIsLeftOfATransfer)
{
    FaultCounter counter{{.lose_byte_at = 9, .short_packet_at = 12, .flip_bit_at = 10}};
    EXPECT_EQ(Crossing{counter}.arrived, "abcdefgh");
    EXPECT_EQ(Crossing{counter}.arrived, "abd") << "b was lost, c became b";
    EXPECT_EQ(Crossing{counter}.arrived, "abcdefgh") << "once";
}

TEST(PhoneFaults, KeepWhatLastsWhenTheCableIsPluggedInAgain)
{
    const PhoneFaults faults{.disconnect_at = 1,
                             .stall_at = 1,
                             .lose_byte_at = 1,
                             .short_packet_at = 1,
                             .flip_bit_at = 1,
                             .error_status_at = 1,
                             .bytes_a_second = 1000,
                             .demand_authentication = true,
                             .is_bootloader_locked = true,
                             .refused_partitions = {"boot"}};
    FaultCounter counter{faults.lasting()};
    EXPECT_FALSE(counter.is_struck(100));
    counter.skip(100);
    EXPECT_FALSE(counter.takes_error_status());
    EXPECT_EQ(counter.time_of(1000), std::chrono::seconds{1});
    EXPECT_TRUE(faults.lasting().demand_authentication);
    EXPECT_TRUE(faults.lasting().is_bootloader_locked);
    EXPECT_EQ(faults.lasting().refused_partitions, faults.refused_partitions);
}

} // namespace
} // namespace salvage::device
