// Several targets at once, devices that fail, streams, pauses and rejected candidates.
#include <array>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>

#include "salvage/password/search.hpp"
#include "support/assert_result.hpp"
#include "unit/password/search_support.hpp"

namespace salvage::password {
namespace {

using salvage::test::fails_with;
using salvage::test::is_ok;
using test::CountingTarget;
using test::Numbers;

class WithDevices : public ::testing::TestWithParam<unsigned> {
protected:
    static Result<SearchResult> search_for(const Keyspace& keyspace, const std::vector<const Target*>& targets,
                                           const SearchOptions& options = {}, const RunContext& context = {})
    {
        return search(keyspace, targets, test::fake_devices(GetParam()), options, context);
    }
};

TEST_P(WithDevices, OfEachTargetTheLowestHitIsFoundAndTheSearchEndsWithTheLast)
{
    const CountingTarget first{5000, {700, 701, 4000}};
    const CountingTarget second{5000, {3, 4999}};
    const CountingTarget third{5000, {1234}};
    const auto result = search_for(Numbers{5000}, {&first, &second, &third});
    ASSERT_TRUE(is_ok(result));
    EXPECT_EQ(result->end, SearchEnd::found);
    ASSERT_EQ(result->found.size(), 3U);
    EXPECT_EQ(result->found[0].index, 3U);
    EXPECT_EQ(result->found[0].target, 1U);
    EXPECT_EQ(result->found[1].index, 700U);
    EXPECT_EQ(result->found[2].index, 1234U);
    for (std::uint64_t i = 0; i <= 700; ++i) {
        ASSERT_EQ(first.count(i), 1U) << i;
    }
    for (std::uint64_t i = 0; i <= 1234; ++i) {
        ASSERT_EQ(third.count(i), 1U) << i;
    }
    EXPECT_EQ(result->state.next, 1235U);
}

TEST_P(WithDevices, ATargetWithoutAHitKeepsTheSearchGoingToItsEnd)
{
    const CountingTarget found{2000, {10}};
    const CountingTarget never{2000};
    const auto result = search_for(Numbers{2000}, {&found, &never});
    ASSERT_TRUE(is_ok(result));
    EXPECT_EQ(result->end, SearchEnd::exhausted);
    ASSERT_EQ(result->found.size(), 1U);
    for (std::uint64_t i = 0; i < 2000; ++i) {
        ASSERT_EQ(never.count(i), 1U) << i;
    }
}

TEST_P(WithDevices, HitsAreToldInTheOrderOfCandidatesAndOnce)
{
    const CountingTarget first{3000, {2500}};
    const CountingTarget second{3000, {1, 2}};
    std::vector<std::uint64_t> told;
    SearchOptions options;
    options.on_found = [&](const Found& found) {
        told.push_back(found.index);
        return Result<>{};
    };
    ASSERT_TRUE(is_ok(search_for(Numbers{3000}, {&first, &second}, options)));
    EXPECT_EQ(told, (std::vector<std::uint64_t>{1, 2500}));
}

TEST_P(WithDevices, GoneOnWithAfterAStopTheHitsBeforeItCountStill)
{
    const CountingTarget first{1000, {20}};
    CountingTarget second{1000, {900}};
    std::stop_source stop;
    RunContext context;
    context.stop = stop.get_token();
    second.at_each = [&](std::uint64_t number) {
        if (number == 500) {
            stop.request_stop();
        }
    };
    const auto stopped = search_for(Numbers{1000}, {&first, &second}, {}, context);
    ASSERT_TRUE(is_ok(stopped));
    ASSERT_EQ(stopped->end, SearchEnd::stopped);
    SearchOptions options;
    options.resume = stopped->state;
    const auto gone_on = search_for(Numbers{1000}, {&first, &second}, options);
    ASSERT_TRUE(is_ok(gone_on));
    EXPECT_EQ(gone_on->end, SearchEnd::found);
    ASSERT_EQ(gone_on->found.size(), 2U);
    EXPECT_EQ(gone_on->found[0].index, 20U);
    EXPECT_EQ(gone_on->found[1].index, 900U);
    EXPECT_EQ(first.count(21) + first.count(999), first.count(21)) << "a target with a hit is judged no further";
}

TEST_P(WithDevices, AnErrorEndsTheSearchButHitsBelowItAreToldFirst)
{
    CountingTarget broken{1000};
    broken.errors = {300};
    const CountingTarget found{1000, {299, 301}};
    std::vector<std::uint64_t> told;
    SearchOptions options;
    options.on_found = [&](const Found& hit) {
        told.push_back(hit.index);
        return Result<>{};
    };
    const auto result = search_for(Numbers{1000}, {&broken, &found}, options);
    EXPECT_TRUE(fails_with(result, ErrorCode::unreadable));
    EXPECT_EQ(told, (std::vector<std::uint64_t>{299}));
}

TEST_P(WithDevices, RejectedNumbersAreDoneAndNotJudged)
{
    Numbers numbers{1000};
    numbers.rejected = {0, 5, 6, 7, 998, 999};
    CountingTarget target{1000};
    target.batch = 4;
    const auto result = search_for(numbers, {&target});
    ASSERT_TRUE(is_ok(result));
    EXPECT_EQ(result->tried, 1000U);
    EXPECT_EQ(result->rejected, 6U);
    for (std::uint64_t i = 0; i < 1000; ++i) {
        ASSERT_EQ(target.count(i), numbers.rejected.contains(i) ? 0U : 1U) << i;
    }
}

/// Ends somewhere below what its size says.
class Stream final : public Keyspace {
public:
    explicit Stream(std::uint64_t end) : end_{end} {}
    Candidates size() const noexcept override { return Candidates{std::numeric_limits<std::uint64_t>::max()}; }
    bool is_open_ended() const noexcept override { return true; }
    Result<std::size_t> candidates(std::uint64_t first, std::span<Candidate> into) const override
    {
        std::size_t filled = 0;
        for (; filled < into.size() && first + filled < end_; ++filled) {
            into[filled].bytes = fmt::format("{}", first + filled);
            into[filled].is_rejected = false;
        }
        return filled;
    }
    std::string identity() const override { return "stream"; }
    std::string description() const override { return "stream"; }

private:
    std::uint64_t end_;
};

TEST_P(WithDevices, AStreamIsExhaustedWhereItEnds)
{
    for (const std::uint64_t end : {0U, 1U, 255U, 256U, 257U, 3001U}) {
        const CountingTarget target{5000};
        const auto result = search_for(Stream{end}, {&target});
        ASSERT_TRUE(is_ok(result));
        EXPECT_EQ(result->end, SearchEnd::exhausted) << end;
        EXPECT_EQ(result->tried, end);
        EXPECT_EQ(result->state.end, end);
        for (std::uint64_t i = 0; i < end; ++i) {
            ASSERT_EQ(target.count(i), 1U) << i;
        }
    }
}

TEST_P(WithDevices, WhatAFailedDeviceHadNotFinishedIsDoneByTheOthers)
{
    for (const unsigned answers : {0U, 1U, 5U, 50U}) {
        CountingTarget target{3000};
        target.batch = 10;
        auto devices = test::fake_devices(GetParam());
        devices.push_back(std::make_unique<test::FakeDevice>(answers));
        const Target* const one = &target;
        const auto result = search(Numbers{3000}, std::span{&one, 1}, devices, {}, {});
        ASSERT_TRUE(is_ok(result)) << answers;
        EXPECT_EQ(result->end, SearchEnd::exhausted);
        for (std::uint64_t i = 0; i < 3000; ++i) {
            ASSERT_GE(target.count(i), 1U) << i << " after " << answers;
        }
        // Where the others were quick, the failing one may never have been asked often enough to fail.
        for (const auto& lost : result->lost_devices) {
            EXPECT_EQ(lost, "fake: the device fell from the bus");
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Search, WithDevices, ::testing::Values(1U, 2U, 5U));

TEST(Search, EndsWithAnErrorWhereAllDevicesFailAndCanBeGoneOnWith)
{
    CountingTarget target{1000};
    const Target* const one = &target;
    Devices devices;
    devices.push_back(std::make_unique<test::FakeDevice>(100U));
    devices.push_back(std::make_unique<test::FakeDevice>(150U));
    std::optional<SearchState> last;
    SearchOptions options;
    options.checkpoint = [&](const SearchState& state) {
        last = state;
        return Result<>{};
    };
    EXPECT_TRUE(fails_with(search(Numbers{1000}, std::span{&one, 1}, devices, options, {}), ErrorCode::io));
    ASSERT_TRUE(last);
    EXPECT_LT(last->next, 1000U);
    options.resume = last;
    const auto result = search(Numbers{1000}, std::span{&one, 1}, test::fake_devices(2), options, {});
    ASSERT_TRUE(is_ok(result));
    for (std::uint64_t i = 0; i < 1000; ++i) {
        ASSERT_GE(target.count(i), 1U) << i;
    }
}

TEST(Search, WithoutDevicesOrTargetsIsRefused)
{
    const CountingTarget target{10};
    const Target* const one = &target;
    EXPECT_TRUE(fails_with(search(Numbers{10}, std::span{&one, 1}, {}, {}, {}), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(search(Numbers{10}, {}, test::fake_devices(1), {}, {}), ErrorCode::invalid_argument));
}

TEST(Search, JudgesNothingWhileItIsPaused)
{
    CountingTarget target{1000};
    std::atomic<unsigned> judged{0};
    target.at_each = [&](std::uint64_t /*number*/) { ++judged; };
    std::atomic<bool> is_paused{true};
    std::atomic<unsigned> judged_while_paused{0};
    SearchOptions options;
    options.is_paused = [&] { return is_paused.load(); };
    const std::jthread waker{[&] {
        std::this_thread::sleep_for(std::chrono::milliseconds{150});
        judged_while_paused = judged.load();
        is_paused = false;
    }};
    const auto result = test::run(Numbers{1000}, target, 2, options);
    ASSERT_TRUE(is_ok(result));
    EXPECT_EQ(judged_while_paused.load(), 0U);
    EXPECT_EQ(result->tried, 1000U);
}

TEST(Search, EndsWhenItIsStoppedWhilePaused)
{
    const CountingTarget target{1000};
    SearchOptions options;
    options.is_paused = [] { return true; };
    std::stop_source stop;
    RunContext context;
    context.stop = stop.get_token();
    const std::jthread stopper{[&] {
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
        stop.request_stop();
    }};
    const auto result = test::run(Numbers{1000}, target, 2, options, context);
    ASSERT_TRUE(is_ok(result));
    EXPECT_EQ(result->end, SearchEnd::stopped);
    EXPECT_EQ(result->tried, 0U);
}

} // namespace
} // namespace salvage::password
