// The engine: every candidate once, the lowest hit, the same answer for any number of threads, stop and go on.
#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "salvage/password/search.hpp"
#include "support/assert_result.hpp"
#include "unit/password/search_support.hpp"

namespace salvage::password {
namespace {

using salvage::test::fails_with;
using salvage::test::is_ok;

using test::CountingTarget;
using test::FakeClock;
using test::Numbers;
using test::run;

class WithThreads : public ::testing::TestWithParam<unsigned> {};

TEST_P(WithThreads, EveryCandidateIsJudgedExactlyOnce)
{
    const Numbers numbers{5000};
    const CountingTarget target{5000};
    const auto result = run(numbers, target, GetParam());
    ASSERT_TRUE(is_ok(result));
    EXPECT_EQ(result->end, SearchEnd::exhausted);
    EXPECT_TRUE(result->found.empty());
    EXPECT_EQ(result->tried, 5000U);
    EXPECT_EQ(result->state.next, 5000U);
    for (std::uint64_t i = 0; i < 5000; ++i) {
        ASSERT_EQ(target.count(i), 1U) << i;
    }
}

TEST_P(WithThreads, TheLowestHitWins)
{
    for (const std::uint64_t lowest : {0U, 1U, 17U, 2500U, 4998U}) {
        const CountingTarget target{5000, {lowest, lowest + 1, 4999}};
        const auto result = run(Numbers{5000}, target, GetParam());
        ASSERT_TRUE(is_ok(result));
        ASSERT_EQ(result->end, SearchEnd::found) << lowest;
        EXPECT_EQ(result->found.front().index, lowest);
        EXPECT_EQ(as_text(result->found.front().secret.expose()), fmt::format("{}", lowest));
        EXPECT_EQ(result->found.front().proof, std::vector{fmt::format("proof of {}", lowest)});
        EXPECT_EQ(result->state.next, lowest + 1);
        EXPECT_EQ(result->state.hits, (std::vector<Hit>{{.target = 0, .index = lowest}}));
        for (std::uint64_t i = 0; i <= lowest; ++i) {
            ASSERT_EQ(target.count(i), 1U) << i;
        }
    }
}

TEST_P(WithThreads, BatchesCoverTheSameAsSingles)
{
    for (const std::size_t batch : {2U, 7U, 64U, 1000U, 10'000U}) {
        CountingTarget target{1001, {1000}};
        target.batch = batch;
        const auto result = run(Numbers{1001}, target, GetParam());
        ASSERT_TRUE(is_ok(result));
        ASSERT_EQ(result->end, SearchEnd::found) << batch;
        EXPECT_EQ(result->found.front().index, 1000U);
        EXPECT_EQ(result->tried, 1001U) << batch;
    }
}

TEST_P(WithThreads, SkipAndLimitCountCandidates)
{
    const CountingTarget target{1000};
    const auto result =
        run(Numbers{1000}, target, GetParam(), {.skip = 100, .limit = 250, .resume = {}, .checkpoint = {}});
    ASSERT_TRUE(is_ok(result));
    EXPECT_EQ(result->end, SearchEnd::exhausted);
    EXPECT_EQ(result->state.begin, 100U);
    EXPECT_EQ(result->state.end, 350U);
    for (std::uint64_t i = 0; i < 1000; ++i) {
        ASSERT_EQ(target.count(i), i >= 100 && i < 350 ? 1U : 0U) << i;
    }
}

TEST_P(WithThreads, StoppedAndGoneOnWithEveryCandidateIsJudgedAtLeastOnceAndNoneBelowTheStateTwice)
{
    const Numbers numbers{3000};
    CountingTarget target{3000};
    std::optional<SearchState> state;
    std::uint64_t tried = 0;
    unsigned runs = 0;
    for (; runs < 100; ++runs) {
        std::stop_source stop;
        RunContext context;
        context.stop = stop.get_token();
        std::atomic<unsigned> seen{0};
        target.at_each = [&](std::uint64_t /*number*/) {
            if (++seen == 150) {
                stop.request_stop();
            }
        };
        const auto result = run(numbers, target, GetParam(), {.limit = {}, .resume = state, .checkpoint = {}}, context);
        ASSERT_TRUE(is_ok(result));
        tried += result->tried;
        state = result->state;
        if (result->end == SearchEnd::exhausted) {
            break;
        }
        ASSERT_EQ(result->end, SearchEnd::stopped);
        for (std::uint64_t i = 0; i < state->next; ++i) {
            ASSERT_GE(target.count(i), 1U) << i << " is below the state and was not judged";
        }
    }
    EXPECT_GT(runs, 3U) << "the stops were not seen";
    for (std::uint64_t i = 0; i < 3000; ++i) {
        ASSERT_GE(target.count(i), 1U) << i;
        // What a stopped thread had judged above the common state is judged again, by each run at most once.
        ASSERT_LE(target.count(i), GetParam() == 1 ? 1U : runs + 1) << i;
    }
    EXPECT_GE(tried, 3000U);
}

TEST_P(WithThreads, AnErrorOfTheTargetEndsTheSearch)
{
    CountingTarget target{2000};
    target.errors = {700, 1500};
    std::vector<SearchState> saved;
    const auto result =
        run(Numbers{2000}, target, GetParam(), {.limit = {}, .resume = {}, .checkpoint = [&](const SearchState& state) {
                                                    saved.push_back(state);
                                                    return Result<>{};
                                                }});
    ASSERT_TRUE(fails_with(result, ErrorCode::unreadable));
    EXPECT_EQ(result.error().what, "no judging 700");
    ASSERT_FALSE(saved.empty());
    EXPECT_EQ(saved.back().next, 700U) << "what lies below is done and kept";
}

TEST_P(WithThreads, AHitBelowAnErrorWinsAndAnErrorBelowAHitDoesToo)
{
    CountingTarget hit_first{2000, {600}};
    hit_first.errors = {601, 900};
    const auto found = run(Numbers{2000}, hit_first, GetParam());
    ASSERT_TRUE(is_ok(found));
    EXPECT_EQ(found->found.front().index, 600U);

    CountingTarget error_first{2000, {601}};
    error_first.errors = {600};
    EXPECT_TRUE(fails_with(run(Numbers{2000}, error_first, GetParam()), ErrorCode::unreadable));
}

TEST_P(WithThreads, AnErrorOfTheKeyspaceComesAfterAllThatCanBeJudged)
{
    const CountingTarget target{2000};
    const auto result = run(Numbers{2000, 777}, target, GetParam());
    ASSERT_TRUE(fails_with(result, ErrorCode::io));
    EXPECT_EQ(result.error().what, "candidate 777 cannot be read");
    for (std::uint64_t i = 0; i < 777; ++i) {
        ASSERT_EQ(target.count(i), 1U) << i;
    }
    const CountingTarget with_hit{2000, {776}};
    const auto found = run(Numbers{2000, 777}, with_hit, GetParam());
    ASSERT_TRUE(is_ok(found));
    EXPECT_EQ(found->found.front().index, 776U);
}

TEST_P(WithThreads, AStateThatCannotBeSavedEndsTheSearch)
{
    const CountingTarget target{100};
    const auto result = run(Numbers{100}, target, GetParam(),
                            {.limit = {}, .resume = {}, .checkpoint = [](const SearchState& /*state*/) -> Result<> {
                                 return Error{ErrorCode::no_space, "full", {}, std::nullopt, {}, {}};
                             }});
    ASSERT_TRUE(fails_with(result, ErrorCode::no_space));
    EXPECT_EQ(target.count(0), 0U) << "told before the first candidate";
}

INSTANTIATE_TEST_SUITE_P(Search, WithThreads, ::testing::Values(1U, 2U, 3U, 8U));

TEST(Search, OfAnEmptyRangeIsExhaustedAtOnce)
{
    const CountingTarget target{10};
    EXPECT_EQ(run(Numbers{0}, target, 2).unwrap().end, SearchEnd::exhausted);
    EXPECT_EQ(run(Numbers{10}, target, 2, {.skip = 10, .limit = {}, .resume = {}, .checkpoint = {}}).unwrap().tried,
              0U);
    EXPECT_TRUE(fails_with(run(Numbers{10}, target, 2, {.skip = 11, .limit = {}, .resume = {}, .checkpoint = {}}),
                           ErrorCode::invalid_argument));
}

TEST(Search, LimitBeyondTheEndIsTheEnd)
{
    const CountingTarget target{10};
    const auto result =
        run(Numbers{10}, target, 2, {.skip = 4, .limit = ~std::uint64_t{0}, .resume = {}, .checkpoint = {}}).unwrap();
    EXPECT_EQ(result.tried, 6U);
    EXPECT_EQ(result.state.end, 10U);
}

TEST(Search, GoesOnOnlyWithItsOwnSession)
{
    const CountingTarget target{10};
    const SearchState foreign{
        .target_identity = "another", .keyspace_identity = "numbers:10", .begin = 0, .next = 3, .end = 10, .hits = {}};
    EXPECT_TRUE(fails_with(run(Numbers{10}, target, 1, {.limit = {}, .resume = foreign, .checkpoint = {}}),
                           ErrorCode::mismatch));
}

TEST(Search, TakesTheRangeOfTheSessionInsteadOfSkipAndLimit)
{
    const CountingTarget target{10};
    const SearchState state{
        .target_identity = "counting", .keyspace_identity = "numbers:10", .begin = 1, .next = 3, .end = 6, .hits = {}};
    const auto result =
        run(Numbers{10}, target, 2, {.skip = 8, .limit = 1, .resume = state, .checkpoint = {}}).unwrap();
    EXPECT_EQ(result.tried, 3U);
    EXPECT_EQ(target.count(3), 1U);
    EXPECT_EQ(target.count(8), 0U);
}

TEST(Search, TellsAHitEvenWhereItsProofFails)
{
    CountingTarget target{10, {4}};
    target.is_proof_broken = true;
    const auto result = run(Numbers{10}, target, 2).unwrap();
    ASSERT_EQ(result.found.size(), 1U);
    ASSERT_EQ(result.found.front().proof.size(), 1U);
    EXPECT_NE(result.found.front().proof.front().find("no proof today"), std::string::npos);
}

TEST(Search, SavesItsStateAsOftenAsAskedByTheClockItIsGiven)
{
    // Each look at the clock moves it on by 10 ms; one thread looks at it several times a candidate or chunk, so the
    // states saved are at least as many as whole intervals went by between two ticks of the engine.
    const FakeClock clock{std::chrono::milliseconds{10}};
    RunContext context;
    context.clock = const_cast<FakeClock*>(&clock); // NOLINT(cppcoreguidelines-pro-type-const-cast): collaborator
    CountingTarget target{400};
    target.at_each = [](std::uint64_t /*number*/) { std::this_thread::sleep_for(std::chrono::microseconds{500}); };
    std::vector<SearchState> saved;
    std::vector<std::chrono::nanoseconds> times;
    const auto result = run(Numbers{400}, target, 2,
                            {.limit = {},
                             .resume = {},
                             .checkpoint_interval = std::chrono::milliseconds{20},
                             .checkpoint =
                                 [&](const SearchState& state) {
                                     saved.push_back(state);
                                     times.push_back(clock.now());
                                     return Result<>{};
                                 }},
                            context);
    ASSERT_TRUE(is_ok(result));
    ASSERT_GE(saved.size(), 3U);
    EXPECT_EQ(saved.front().next, 0U);
    EXPECT_EQ(saved.back().next, 400U);
    EXPECT_TRUE(std::ranges::is_sorted(saved, {}, &SearchState::next));
    for (std::size_t i = 2; i + 1 < times.size(); ++i) {
        EXPECT_GE(times[i] - times[i - 1], std::chrono::milliseconds{20}) << i;
    }
}

TEST(Search, DoesNotSaveMoreOftenThanAsked)
{
    CountingTarget target{2000};
    unsigned saved = 0;
    const auto result = run(Numbers{2000}, target, 2,
                            {.limit = {},
                             .resume = {},
                             .checkpoint_interval = std::chrono::hours{1},
                             .checkpoint = [&](const SearchState& /*state*/) {
                                 ++saved;
                                 return Result<>{};
                             }});
    ASSERT_TRUE(is_ok(result));
    EXPECT_EQ(saved, 2U) << "before the first candidate and at the end";
}

TEST(Search, TheStateSavedAtAnyMomentHasEverythingBelowItDone)
{
    CountingTarget target{3000};
    target.at_each = [](std::uint64_t number) {
        if (number % 50 == 0) {
            std::this_thread::sleep_for(std::chrono::microseconds{200});
        }
    };
    std::mutex mutex;
    const auto result = run(Numbers{3000}, target, 4,
                            {.limit = {},
                             .resume = {},
                             .checkpoint_interval = std::chrono::milliseconds{1},
                             .checkpoint = [&](const SearchState& state) {
                                 const std::scoped_lock lock{mutex};
                                 for (std::uint64_t i = 0; i < state.next; ++i) {
                                     EXPECT_EQ(target.count(i), 1U) << i << " of " << state.next;
                                 }
                                 return Result<>{};
                             }});
    EXPECT_TRUE(is_ok(result));
}

/// Keeps what it was told.
class RecordingProgress final : public Progress {
public:
    void update(const ProgressUpdate& update) override
    {
        const std::scoped_lock lock{mutex_};
        EXPECT_EQ(update.step, "search");
        EXPECT_EQ(update.unit, "candidates");
        last_done = update.done;
        total = update.total;
    }
    std::uint64_t last_done{};
    std::optional<std::uint64_t> total;

private:
    std::mutex mutex_;
};

TEST(Search, TellsProgressOfTheWholeRangeWhenItGoesOn)
{
    RecordingProgress progress;
    RunContext context;
    context.progress = &progress;
    const CountingTarget target{100};
    const SearchState state{.target_identity = "counting",
                            .keyspace_identity = "numbers:100",
                            .begin = 10,
                            .next = 60,
                            .end = 90,
                            .hits = {}};
    ASSERT_TRUE(is_ok(run(Numbers{100}, target, 2, {.limit = {}, .resume = state, .checkpoint = {}}, context)));
    EXPECT_EQ(progress.total, 80U);
    EXPECT_EQ(progress.last_done, 80U);
}

} // namespace
} // namespace salvage::password
