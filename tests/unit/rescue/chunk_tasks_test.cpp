// Lives of a chunk: run, stopped, gone on with, ended by others, and killed at any moment.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/assert_result.hpp"
#include "unit/rescue/chunk_support.hpp"

namespace salvage::rescue {
namespace {

using salvage::test::fails_with;
using salvage::test::is_ok;
using salvage::test::read_file;
using salvage::test::TemporaryFolder;
namespace fs = std::filesystem;

ChunkOutcome exhausted(const ChunkWork& work)
{
    return {.end = RangeEnd::exhausted,
            .next = work.range.begin + work.range.length,
            .tried = work.range.length,
            .hits = {}};
}

ChunkTask task_on(std::string host)
{
    ChunkTask out;
    out.host = std::move(host);
    return out;
}

TEST(ChunkTasks, RunTheirRangeAndCommitIt)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    int runs = 0;
    const RunRange run = [&](const ChunkWork& work, const RunContext&) -> Result<ChunkOutcome> {
        ++runs;
        EXPECT_EQ(work.range, (ChunkRange{.number = 9, .begin = 100, .length = 5}));
        EXPECT_FALSE(fs::exists(work.checkpoint));
        return exhausted(work);
    };
    const auto report = run_chunk(folder, 9, run, task_on("n1"), {}).unwrap();
    EXPECT_EQ(report.end, ChunkEnd::committed);
    EXPECT_EQ(report.standing->writer.host, "n1");
    const auto again = run_chunk(folder, 9, run, task_on("n2"), {}).unwrap();
    EXPECT_EQ(again.end, ChunkEnd::already_done);
    EXPECT_EQ(again.standing->writer.host, "n1");
    EXPECT_EQ(runs, 1);
    EXPECT_TRUE(fails_with(run_chunk(folder, 10, run, {}, {}), ErrorCode::invalid_argument));
}

TEST(ChunkTasks, GoOnFromTheCheckpointOfTheLifeBefore)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    const RunRange stopped = [](const ChunkWork& work, const RunContext&) -> Result<ChunkOutcome> {
        append(work.checkpoint, "14");
        return ChunkOutcome{.end = RangeEnd::stopped, .next = 14, .tried = 4, .hits = {}};
    };
    EXPECT_EQ(run_chunk(folder, 0, stopped, {}, {}).unwrap().end, ChunkEnd::stopped);
    EXPECT_EQ(read_progress(folder).unwrap().chunks_done, 0U);
    const RunRange going_on = [](const ChunkWork& work, const RunContext&) -> Result<ChunkOutcome> {
        EXPECT_EQ(as_text(read_file(work.checkpoint)), "14");
        EXPECT_EQ(work.checkpoint.filename(), "0.2"); // a file of its own: the life before may still be writing
        return exhausted(work);
    };
    const auto report = run_chunk(folder, 0, going_on, {}, {}).unwrap();
    EXPECT_EQ(report.end, ChunkEnd::committed);
    EXPECT_EQ(report.attempt, 2U);
    EXPECT_TRUE(fs::is_empty(folder.path / "checkpoint"));
}

TEST(ChunkTasks, BeginAnewWhereTheCheckpointIsDamaged)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    const RunRange engine = [](const ChunkWork& work, const RunContext&) -> Result<ChunkOutcome> {
        if (fs::exists(work.checkpoint)) {
            return malformed(ByteOffset{0}, "a session file is damaged");
        }
        return exhausted(work);
    };
    append(folder.path / "checkpoint" / "0.1", "rubbish");
    EXPECT_EQ(run_chunk(folder, 0, engine, {}, {}).unwrap().end, ChunkEnd::committed);
}

TEST(ChunkTasks, DoNotCountWhatTheEngineCouldNotDo)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    const RunRange failing = [](const ChunkWork&, const RunContext&) -> Result<ChunkOutcome> {
        return Error{ErrorCode::io, "the dump cannot be read", {}, std::nullopt, {}, {}};
    };
    EXPECT_TRUE(fails_with(run_chunk(folder, 0, failing, {}, {}), ErrorCode::io));
    const RunRange lying = [](const ChunkWork&, const RunContext&) -> Result<ChunkOutcome> {
        return ChunkOutcome{.end = RangeEnd::all_hit, .next = 12, .tried = 2, .hits = {}};
    };
    EXPECT_TRUE(fails_with(run_chunk(folder, 0, lying, {}, {}), ErrorCode::internal));
    // A word list that got shorter meanwhile ends before its range does.
    const RunRange cut_off = [](const ChunkWork&, const RunContext&) -> Result<ChunkOutcome> {
        return ChunkOutcome{.end = RangeEnd::exhausted, .next = 12, .tried = 2, .hits = {}};
    };
    EXPECT_TRUE(fails_with(run_chunk(folder, 0, cut_off, {}, {}), ErrorCode::internal));
    const auto progress = read_progress(folder).unwrap();
    EXPECT_EQ(progress.chunks_done, 0U);
    ASSERT_EQ(progress.begun.size(), 1U);
    EXPECT_EQ(progress.begun.front().attempts, 3U);
}

TEST(ChunkTasks, EndThemselvesOnceOthersHaveFoundEverything)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    const RunRange endless = [&](const ChunkWork&, const RunContext& context) -> Result<ChunkOutcome> {
        EXPECT_TRUE(is_ok(publish_hit(folder, 4, some_hit(51), some_writer()))); // another machine
        while (!context.is_stopped()) {
            std::this_thread::yield();
        }
        return cancelled("a search");
    };
    const ChunkTask task{.host = {}, .carrier = {}, .look_interval = std::chrono::milliseconds{1}};
    EXPECT_EQ(run_chunk(folder, 0, endless, task, {}).unwrap().end, ChunkEnd::not_needed);
    EXPECT_EQ(run_chunk(folder, 1, endless, task, {}).unwrap().end, ChunkEnd::not_needed);
    EXPECT_EQ(read_progress(folder).unwrap().begun.size(), 1U); // the second did not even begin
}

TEST(ChunkTasks, EndThemselvesOnceAnotherLifeHasCommitted)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    const RunRange endless = [&](const ChunkWork&, const RunContext& context) -> Result<ChunkOutcome> {
        EXPECT_TRUE(is_ok(commit_chunk(folder, record_of(folder, 0))));
        while (!context.is_stopped()) {
            std::this_thread::yield();
        }
        return ChunkOutcome{.end = RangeEnd::stopped, .next = 11, .tried = 1, .hits = {}};
    };
    const ChunkTask task{.host = {}, .carrier = {}, .look_interval = std::chrono::milliseconds{1}};
    EXPECT_EQ(run_chunk(folder, 0, endless, task, {}).unwrap().end, ChunkEnd::already_done);
}

TEST(ChunkTasks, AreStoppedByTheirCaller)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    std::stop_source stop;
    const RunRange endless = [&](const ChunkWork&, const RunContext& context) -> Result<ChunkOutcome> {
        stop.request_stop(); // SIGTERM
        EXPECT_TRUE(context.is_stopped());
        return ChunkOutcome{.end = RangeEnd::stopped, .next = 11, .tried = 1, .hits = {}};
    };
    RunContext context;
    context.stop = stop.get_token();
    EXPECT_EQ(run_chunk(folder, 0, endless, {}, context).unwrap().end, ChunkEnd::stopped);
}

// A hit made known by a life that was killed is behind the checkpoint that the next one goes on from.
TEST(ChunkTasks, RecordHitsOfTheLifeBefore)
{
    const TemporaryFolder root;
    auto job = some_job();
    job.targets = {"phone.img", "tablet.img"};
    const auto folder = folder_in(root, job);
    const RunRange killed = [](const ChunkWork& work, const RunContext&) -> Result<ChunkOutcome> {
        EXPECT_TRUE(is_ok(work.publish(some_hit(12))));
        return ChunkOutcome{.end = RangeEnd::stopped, .next = 13, .tried = 3, .hits = {}};
    };
    ASSERT_TRUE(is_ok(run_chunk(folder, 0, killed, {}, {})));
    const RunRange going_on = [](const ChunkWork& work, const RunContext&) -> Result<ChunkOutcome> {
        return exhausted(work);
    };
    EXPECT_EQ(run_chunk(folder, 0, going_on, {}, {}).unwrap().standing->hits, std::vector{some_hit(12)});
}

TEST(ChunkTasks, ReplaceADamagedRecord)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    ASSERT_TRUE(is_ok(commit_chunk(folder, record_of(folder, 0))));
    fs::resize_file(folder.path / "done" / "0", 77);
    const RunRange run = [](const ChunkWork& work, const RunContext&) -> Result<ChunkOutcome> {
        return exhausted(work);
    };
    EXPECT_EQ(run_chunk(folder, 0, run, {}, {}).unwrap().end, ChunkEnd::committed);
    EXPECT_FALSE(fs::is_empty(folder.path / "damaged"));
    // A sound one stays where it is.
    ASSERT_TRUE(is_ok(set_aside_damaged(folder, 0, system_entropy())));
    EXPECT_TRUE(read_chunk_record(folder, 0).unwrap().has_value());
}

// ---- Killed at any moment

/// A child that runs chunks until it is killed; every candidate leaves a line in `witness` before it counts.
[[noreturn]] void run_until_killed(const ChunkFolder& folder, const fs::path& witness, unsigned seed)
{
    std::mt19937 random{seed};
    const RunRange engine = [&](const ChunkWork& work, const RunContext&) -> Result<ChunkOutcome> {
        std::uint64_t next = work.range.begin;
        std::ifstream{work.checkpoint} >> next;
        for (; next < work.range.begin + work.range.length; ++next) {
            append(witness, fmt::format("{}\n", next));
            if (next == 33) {
                SALVAGE_TRY(work.publish(some_hit(33)));
            }
            const auto fresh = fs::path{work.checkpoint}.concat(".new");
            std::ofstream{fresh} << next + 1;
            fs::rename(fresh, work.checkpoint);
        }
        return exhausted(work);
    };
    for (;;) {
        const auto chunk = random() % chunk_count(folder.job);
        ignore(run_chunk(folder, chunk, engine, {}, {}), "the parent looks at the ledger");
    }
}

TEST(ChunkTasks, KilledAtAnyMomentLeaveALedgerThatCountsOnce)
{
    for (unsigned seed = 0; seed < 4; ++seed) {
        const TemporaryFolder root;
        auto job = some_job();
        job.targets = {"phone.img", "never"};
        const auto folder = folder_in(root, job);
        const auto witness = root.path() / "witness";
        std::mt19937 random{seed};
        unsigned lives = 0;
        while (!is_complete(read_progress(folder).unwrap())) {
            ASSERT_LT(++lives, 500U);
            const auto child = ::fork();
            if (child == 0) {
                run_until_killed(folder, witness, static_cast<unsigned>(random()));
            }
            // Lives get longer, so that a slow disk's flushes fit into one at last.
            std::this_thread::sleep_for(std::chrono::microseconds{500 + random() % (8000 + 2000 * lives)});
            ::kill(child, SIGKILL);
            ::waitpid(child, nullptr, 0);
        }
        const auto progress = read_progress(folder).unwrap();
        EXPECT_EQ(progress.candidates_done, 95U);
        EXPECT_EQ(progress.hits, std::vector{some_hit(33)});
        EXPECT_TRUE(progress.damaged.empty() && progress.strays.empty() && progress.gaps.empty());
        std::map<std::uint64_t, int> seen;
        std::ifstream lines{witness};
        for (std::uint64_t number = 0; lines >> number;) {
            ++seen[number];
        }
        EXPECT_EQ(seen.size(), 95U) << "a candidate counts that nobody tried";
    }
}

} // namespace
} // namespace salvage::rescue
