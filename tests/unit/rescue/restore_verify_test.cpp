// Comparing what a phone holds with what a plan says.
#include <algorithm>
#include <fstream>

#include <gtest/gtest.h>

#include "restore_apply_support.hpp"

namespace salvage::rescue {
namespace {

using test::fails_with;
using test::FakeTarget;
using test::is_ok;

/// What the fake phone holds, read back in uneven pieces.
class FakeReadBack final : public ReadBack {
public:
    explicit FakeReadBack(const FakeTarget& target) : target_{&target} {}
    std::uint64_t chunk{700'001};
    std::uint64_t missing{0}; ///< so many bytes are not handed over

    [[nodiscard]] Result<PhonePartitionFacts> find(const RestoreStep& step) override
    {
        return PhonePartitionFacts{.name = step.partition, .start = ByteOffset{0x1000}, .size = {}};
    }
    Result<> read(const PhonePartitionFacts& partition, ByteCount size, const Sink& sink,
                  const RunContext& /*context*/) override
    {
        const auto& bytes = target_->partitions.at(partition.name);
        const auto end = size.value - std::min(missing, size.value);
        for (std::uint64_t at = 0; at < end; at += chunk) {
            SALVAGE_TRY(sink(ByteOffset{at}, ByteView{bytes}.subspan(at, std::min(chunk, end - at))));
        }
        return {};
    }

private:
    const FakeTarget* target_;
};

TEST_F(RestoreApplyTest, VerifiesWhatWasWritten)
{
    prepare(mib);
    const auto target = phone();
    ASSERT_TRUE(is_ok(apply_restore(plan_, *target, request(), {})));
    FakeReadBack read_back{*target};
    const auto report = verify_restore(plan_, read_back, {});
    ASSERT_TRUE(is_ok(report));
    EXPECT_FALSE(report->first_mismatch());
    ASSERT_EQ(report->steps.size(), 3U);
    EXPECT_EQ(report->steps[1].sha256, plan_.steps[1].image.sha256);
    EXPECT_EQ(report->steps[1].mib, 4U);
}

TEST_F(RestoreApplyTest, FindsTheFirstByteThatDiffers)
{
    prepare(mib);
    const auto target = phone();
    ASSERT_TRUE(is_ok(apply_restore(plan_, *target, request(), {})));
    const auto last = plan_.steps[1].image.range.size().value - 1;
    for (const auto at :
         std::initializer_list<std::uint64_t>{0, 1, mib - 1, mib, 700'000, 700'001, (2 * mib) + 5, last}) {
        auto& byte = target->partitions["userdata"][at];
        byte = ~byte;
        auto& later = target->partitions["userdata"][last];
        later = at == last ? later : ~later;
        FakeReadBack read_back{*target};
        const auto report = verify_restore(plan_, read_back, {});
        ASSERT_TRUE(is_ok(report));
        EXPECT_TRUE(report->steps[0].is_same);
        EXPECT_FALSE(report->steps[1].is_same);
        EXPECT_EQ(report->steps[1].first_difference, ByteOffset{at});
        EXPECT_EQ(report->steps[1].on_phone, ByteOffset{0x1000 + at});
        EXPECT_EQ(report->steps[1].found, std::to_integer<std::uint8_t>(byte));
        EXPECT_EQ(report->steps[1].expected, std::to_integer<std::uint8_t>(~byte));
        EXPECT_EQ(report->steps[1].differing_mib, at / mib == last / mib ? 1U : 2U);
        ASSERT_TRUE(report->first_mismatch());
        EXPECT_EQ(report->first_mismatch()->code, ErrorCode::mismatch);
        EXPECT_NE(report->first_mismatch()->what.find("userdata"), std::string::npos);
        byte = ~byte;
        later = at == last ? later : ~later;
    }
}

TEST_F(RestoreApplyTest, NeverCallsAShortReadBackVerified)
{
    prepare(mib);
    const auto target = phone();
    ASSERT_TRUE(is_ok(apply_restore(plan_, *target, request(), {})));
    FakeReadBack read_back{*target};
    read_back.missing = 1;
    EXPECT_TRUE(fails_with(verify_restore(plan_, read_back, {}), ErrorCode::truncated));
}

TEST_F(RestoreApplyTest, ProvesNothingByAnImageThatChanged)
{
    prepare(mib);
    const auto target = phone();
    ASSERT_TRUE(is_ok(apply_restore(plan_, *target, request(), {})));
    std::fstream file{dump_, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(0);
    file.put('\x7E');
    file.close();
    target->partitions["secro"][0] = std::byte{0x7E};
    FakeReadBack read_back{*target};
    EXPECT_TRUE(fails_with(verify_restore(plan_, read_back, {}), ErrorCode::mismatch));
}

} // namespace
} // namespace salvage::rescue
