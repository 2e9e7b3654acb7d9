// Jobs: how they end, what they tell, and that nothing waits for who listens.
#include "web/jobs.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <set>

#include <gtest/gtest.h>

#include "support/assert_result.hpp"
#include "web/events.hpp"

namespace salvage::web {
namespace {

using namespace std::chrono_literals;
using test::fails_with;
using test::is_ok;

constexpr auto patience = 10s;

/// Waits until `holds`; says whether it came to that.
bool comes_true(const std::function<bool()>& holds)
{
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > end) {
            return false;
        }
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

/// Work that goes on until it is stopped.
Result<std::string> endless(JobControl& job)
{
    const auto context = job.context();
    while (!context.is_stopped()) {
        std::this_thread::sleep_for(1ms);
    }
    return cancelled("the endless work");
}

class JobsTest : public ::testing::Test {
protected:
    JobState state(const std::string& id) { return jobs.find(id)->state; }

    std::atomic<int> news{0};
    Jobs jobs{system_clock(), [this](const std::string& /*id*/) { ++news; }};
};

TEST_F(JobsTest, EndAsTheirWorkEnds)
{
    const auto good = jobs.start({.title = "good"}, [](JobControl&) -> Result<std::string> { return "{\"a\":1}"; });
    const auto bad =
        jobs.start({.title = "bad"}, [](JobControl&) -> Result<std::string> { return not_found("nothing"); });
    const auto thrown =
        jobs.start({.title = "thrown"}, [](JobControl&) -> Result<std::string> { throw std::bad_alloc{}; });
    ASSERT_TRUE(comes_true([&] { return !jobs.is_under_way(JobKind::open); }));
    EXPECT_EQ(state(good), JobState::done);
    EXPECT_EQ(jobs.find(good)->result, "{\"a\":1}");
    EXPECT_EQ(state(bad), JobState::failed);
    EXPECT_EQ(jobs.find(bad)->error->what, "nothing");
    EXPECT_EQ(state(thrown), JobState::failed);
    EXPECT_GE(news, 6); // each told of its beginning and its end
    EXPECT_EQ(jobs.list().front().id, thrown);
}

TEST_F(JobsTest, StopIsOverWhenTheWorkIs)
{
    std::atomic<bool> has_ended{false};
    const auto id = jobs.start({.title = {}, .can_resume = true}, [&](JobControl& job) {
        auto out = endless(job);
        job.leave("{}");
        has_ended = true;
        return out;
    });
    const auto view = jobs.stop(id).unwrap();
    EXPECT_TRUE(has_ended);
    EXPECT_EQ(view.state, JobState::stopped);
    EXPECT_TRUE(view.can_resume);
    EXPECT_EQ(view.result, "{}");
    EXPECT_EQ(jobs.stop(id).unwrap().state, JobState::stopped); // again: nothing happens
    EXPECT_TRUE(fails_with(jobs.stop("no such"), ErrorCode::not_found));
}

TEST_F(JobsTest, StopAllReachesWhatAJobBeganOnItsWayOut)
{
    // As a sample phone that is made begins to open it.
    static_cast<void>(jobs.start({.kind = JobKind::sample_phone, .title = {}}, [&](JobControl& job) {
        auto out = endless(job);
        static_cast<void>(jobs.start({.kind = JobKind::open, .title = {}}, endless));
        return out;
    }));
    jobs.stop_all();
    ASSERT_EQ(jobs.list().size(), 2U);
    EXPECT_FALSE(jobs.is_under_way(JobKind::sample_phone));
    EXPECT_FALSE(jobs.is_under_way(JobKind::open));
}

TEST_F(JobsTest, OnlyASearchPausesAndOnlyWhileItGoesOn)
{
    const auto search = jobs.start({.kind = JobKind::search, .title = {}, .can_resume = true}, endless);
    const auto other = jobs.start({.kind = JobKind::find, .title = {}}, endless);
    EXPECT_EQ(jobs.pause(search).unwrap().state, JobState::paused);
    EXPECT_EQ(jobs.resume(search).unwrap().state, JobState::running);
    EXPECT_TRUE(fails_with(jobs.pause(other), ErrorCode::invalid_argument));
    EXPECT_TRUE(is_ok(jobs.pause(search)));
    EXPECT_EQ(jobs.stop(search).unwrap().state, JobState::stopped); // a paused one, too
    EXPECT_TRUE(fails_with(jobs.resume(search), ErrorCode::invalid_argument));
}

TEST_F(JobsTest, TwoSearchesAtOnceAreNotBegun)
{
    const auto first = jobs.start_alone({.kind = JobKind::search, .title = {}, .attacks = {"pin4"}}, endless);
    ASSERT_TRUE(first);
    EXPECT_FALSE(jobs.start_alone({.kind = JobKind::search, .title = {}, .attacks = {"pin6"}}, endless));
    ASSERT_TRUE(is_ok(jobs.stop(*first)));
    const auto again = jobs.start_alone({.kind = JobKind::search, .title = {}, .attacks = {"pin4"}}, endless);
    ASSERT_TRUE(again);
    EXPECT_FALSE(jobs.find(*first)); // what goes on takes the place of what ended
}

TEST_F(JobsTest, WhatCameOfAnEarlierOneIsKeptBesideAnother)
{
    const auto work = [](JobControl&) -> Result<std::string> { return "{}"; };
    const auto begun = [&](const std::string& title) {
        const auto id = jobs.start_alone({.kind = JobKind::export_files, .title = title}, work);
        EXPECT_TRUE(id);
        EXPECT_TRUE(comes_true([&] { return !jobs.is_under_way(JobKind::export_files); }));
        return id.value_or("");
    };
    const auto first = begun("to the stick");
    const auto second = begun("to the disk");
    const auto again = begun("to the stick");
    EXPECT_FALSE(jobs.find(first)); // goes on under its new number
    EXPECT_TRUE(jobs.find(second));
    EXPECT_TRUE(jobs.find(again));
}

TEST_F(JobsTest, TellProgressWithRateAndTimeLeft)
{
    std::atomic<bool> may_end{false};
    const auto id = jobs.start({.kind = JobKind::search, .title = {}}, [&](JobControl& job) -> Result<std::string> {
        const auto context = job.context();
        for (std::uint64_t done = 0; !may_end && !context.is_stopped(); done += 10) {
            context.progress->update({.step = "search", .unit = "candidates", .done = done, .total = 1'000'000});
            std::this_thread::sleep_for(10ms);
        }
        return "";
    });
    ASSERT_TRUE(comes_true([&] { return jobs.find(id)->seconds_left.has_value(); }));
    const auto view = *jobs.find(id);
    EXPECT_EQ(view.step, "search");
    EXPECT_EQ(view.unit, "candidates");
    EXPECT_EQ(view.total, 1'000'000U);
    EXPECT_GT(*view.rate, 0);
    EXPECT_LT(*view.rate, 1100); // 10 each 10 ms at most
    EXPECT_GT(*view.seconds_left, 100);
    may_end = true;
    ASSERT_TRUE(comes_true([&] { return state(id) == JobState::done; }));
    EXPECT_FALSE(jobs.find(id)->seconds_left);
}

TEST_F(JobsTest, AHundredEndedOnesAreKept)
{
    for (int i = 0; i < 150; ++i) {
        static_cast<void>(
            jobs.start({.kind = JobKind::find, .title = {}}, [](JobControl&) -> Result<std::string> { return ""; }));
    }
    ASSERT_TRUE(comes_true([&] { return !jobs.is_under_way(JobKind::find); }));
    static_cast<void>(
        jobs.start({.kind = JobKind::find, .title = {}}, [](JobControl&) -> Result<std::string> { return ""; }));
    EXPECT_LE(jobs.list().size(), 101U);
    jobs.stop_all();
    jobs.forget_ended();
    EXPECT_TRUE(jobs.list().empty());
}

TEST(RateWindow, IsThatOfTheLastSeconds)
{
    RateWindow rates;
    EXPECT_FALSE(rates.rate());
    for (int second = 0; second <= 100; ++second) {
        rates.add(std::chrono::seconds{second}, static_cast<std::uint64_t>(second) * 10);
    }
    EXPECT_DOUBLE_EQ(*rates.rate(), 10);
    for (int second = 101; second <= 120; ++second) {
        rates.add(std::chrono::seconds{second}, 1000 + (static_cast<std::uint64_t>(second - 100) * 100));
    }
    EXPECT_DOUBLE_EQ(*rates.rate(), 100);
    rates.add(std::chrono::seconds{121}, 5); // another step: its numbers begin anew
    EXPECT_FALSE(rates.rate());
}

TEST(Hub, TellsEachListenerOnceOfWhatChangedHoweverOften)
{
    Hub hub;
    const auto listener = hub.listen();
    const auto slow = hub.listen();
    for (int i = 0; i < 100'000; ++i) { // a slow one holds up nobody and takes no more memory for it
        hub.job_changed(i % 2 == 0 ? "1" : "2");
    }
    hub.workplace_changed();
    for (auto* const each : {listener.get(), slow.get()}) {
        const auto changes = each->wait(1ms);
        EXPECT_EQ(changes.jobs, (std::set<std::string>{"1", "2"}));
        EXPECT_TRUE(changes.workplace);
        EXPECT_TRUE(each->wait(1ms).is_empty());
    }
}

TEST(Hub, TakesSoManyListenersAndNoMore)
{
    Hub hub;
    std::vector<std::unique_ptr<Hub::Listener>> all;
    for (std::size_t i = 0; i < Hub::max_listeners; ++i) {
        all.push_back(hub.listen());
        ASSERT_TRUE(all.back());
    }
    EXPECT_FALSE(hub.listen());
    all.pop_back();
    EXPECT_TRUE(hub.listen());
}

TEST(Hub, ItsEndReachesWhoWaitsAndWhoComesLate)
{
    Hub hub;
    const auto listener = hub.listen();
    std::jthread closer{[&hub] { hub.close(); }};
    EXPECT_TRUE(listener->wait(patience).is_over);
    EXPECT_TRUE(hub.listen()->wait(0ms).is_over);
}

} // namespace
} // namespace salvage::web
