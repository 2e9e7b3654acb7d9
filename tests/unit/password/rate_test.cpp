// Measuring how fast targets are.
#include <array>
#include <atomic>

#include <gtest/gtest.h>

#include "salvage/password/search.hpp"
#include "support/assert_result.hpp"
#include "unit/password/search_support.hpp"

namespace salvage::password {
namespace {

using salvage::test::fails_with;
using salvage::test::is_ok;

/// Accepts any bytes, none of them right.
class NeverTarget final : public Target {
public:
    Result<std::unique_ptr<Judge>> make_judge(crypto::KdfDevice& /*device*/) const override
    {
        return std::make_unique<NeverJudge>(*this);
    }
    Result<std::vector<std::string>> proof(ByteView /*candidate*/) const override { return std::vector<std::string>{}; }
    std::string identity() const override { return "never"; }

    mutable std::atomic<bool> is_probe_typable{false};
    mutable std::atomic<unsigned> judged{0};
    std::size_t batch{1};

private:
    class NeverJudge final : public Judge {
    public:
        explicit NeverJudge(const NeverTarget& target) : target_{&target} {}
        std::size_t batch_size() const noexcept override { return target_->batch; }
        Result<std::optional<std::size_t>> first_accepted(std::span<const ByteView> given) override
        {
            for (const auto& candidate : given) {
                target_->is_probe_typable = target_->is_probe_typable || as_text(candidate).front() >= ' ';
                ++target_->judged;
            }
            return std::optional<std::size_t>{};
        }

    private:
        const NeverTarget* target_;
    };
};

Result<double> rate(const NeverTarget& target, unsigned devices, std::chrono::milliseconds budget,
                    const RunContext& context)
{
    const Target* const one = &target;
    return measure_rate(std::span{&one, 1}, test::fake_devices(devices), budget, context);
}

TEST(Rate, IsCandidatesBySecondsOfTheClockAfterABatchThatDoesNotCount)
{
    // One look before, one after each batch of three: a batch takes 10 ms, so 300 candidates a second.
    test::FakeClock clock{std::chrono::milliseconds{10}};
    RunContext context;
    context.clock = &clock;
    NeverTarget target;
    target.batch = 3;
    const auto measured = rate(target, 1, std::chrono::milliseconds{500}, context);
    ASSERT_TRUE(is_ok(measured));
    EXPECT_NEAR(*measured, 300.0, 0.01);
    EXPECT_EQ(target.judged.load(), 3U * 51U);
    EXPECT_FALSE(target.is_probe_typable.load());
}

TEST(Rate, OfSeveralDevicesIsTheirSum)
{
    const NeverTarget target;
    const auto measured = rate(target, 3, std::chrono::milliseconds{20}, {});
    ASSERT_TRUE(is_ok(measured));
    EXPECT_GT(*measured, 0.0);
    EXPECT_GE(target.judged.load(), 6U) << "each warms up and measures one batch at least";
}

TEST(Rate, OfAClockThatStandsStillIsAnError)
{
    test::FakeClock clock{std::chrono::nanoseconds{0}};
    RunContext context;
    context.clock = &clock;
    EXPECT_TRUE(fails_with(rate(NeverTarget{}, 2, std::chrono::milliseconds{1}, context), ErrorCode::internal));
}

TEST(Rate, IsNotMeasuredAfterAStop)
{
    std::stop_source stop;
    stop.request_stop();
    RunContext context;
    context.stop = stop.get_token();
    EXPECT_TRUE(fails_with(rate(NeverTarget{}, 2, std::chrono::milliseconds{1000}, context), ErrorCode::cancelled));
}

} // namespace
} // namespace salvage::password
