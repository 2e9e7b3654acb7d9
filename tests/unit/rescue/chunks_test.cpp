// The exactly-once ledger: what counts once, what is noticed when damaged, and what a kill at any moment leaves.
#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <random>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "salvage/rescue/chunks.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::rescue {
namespace {

using salvage::test::fails_with;
using salvage::test::is_ok;
using salvage::test::read_file;
using salvage::test::TemporaryFolder;
namespace fs = std::filesystem;

ChunkJob some_job()
{
    return {.target_identity = "footer:0123",
            .keyspace_identity = "pin:4:4:order=1",
            .targets = {"phone.img"},
            .total = 10'000,
            .begin = 10,
            .end = 105,
            .chunk_length = 10,
            .command = {"/usr/bin/salvage", "crack", "phone.img", "--pin", "4"},
            .folder = "/work",
            .version = "0.1.0"};
}

ChunkFolder folder_in(const TemporaryFolder& root, const ChunkJob& job = some_job())
{
    return make_chunk_folder(root.path() / "job", job).unwrap();
}

ChunkWriter some_writer(std::uint32_t attempt = 1, char token = 'a')
{
    return {.attempt = attempt, .host = "n 1%\n", .pid = 4711, .token = std::string(32, token)};
}

ChunkRecord record_of(const ChunkFolder& folder, std::uint64_t chunk, ChunkWriter writer = some_writer())
{
    const auto range = chunk_range(folder.job, chunk).unwrap();
    return {.job = folder.digest,
            .range = range,
            .next = range.begin + range.length,
            .writer = std::move(writer),
            .tried = range.length,
            .time = std::chrono::milliseconds{1500},
            .hits = {}};
}

ChunkHit some_hit(std::uint64_t number, std::string target = "phone.img")
{
    return {
        .number = number, .target = std::move(target), .secret = std::string{"pa:ss\n\xFF\0", 8}, .encoding = "text"};
}

std::string text_of(const ChunkRecord& record)
{
    return format_chunk_record(record).unwrap();
}

ChunkOutcome exhausted(const ChunkWork& work)
{
    return {.end = RangeEnd::exhausted,
            .next = work.range.begin + work.range.length,
            .tried = work.range.length,
            .hits = {}};
}

Result<> append(const fs::path& path, const std::string& text)
{
    std::ofstream{path, std::ios::app} << text;
    return {};
}

// ---- Cutting

TEST(ChunkJobs, AreCutIntoRangesThatCoverEachCandidateOnce)
{
    std::mt19937_64 random{7};
    for (int i = 0; i < 300; ++i) {
        auto job = some_job();
        job.begin = random() % 1000;
        job.end = job.begin + 1 + random() % 500;
        job.chunk_length = 1 + random() % 60;
        auto at = job.begin;
        for (std::uint64_t chunk = 0; chunk < chunk_count(job); ++chunk) {
            const auto range = chunk_range(job, chunk).unwrap();
            EXPECT_EQ(range.begin, at);
            EXPECT_GT(range.length, 0U);
            at += range.length;
        }
        EXPECT_EQ(at, job.end);
        EXPECT_TRUE(fails_with(chunk_range(job, chunk_count(job)), ErrorCode::invalid_argument));
    }
}

TEST(ChunkJobs, ReachUpToTheLargestNumber)
{
    auto job = some_job();
    job.total = std::numeric_limits<std::uint64_t>::max();
    job.begin = 0;
    job.end = job.total;
    job.chunk_length = job.total / 7;
    EXPECT_TRUE(is_ok(check_chunk_job(job)));
    const auto last = chunk_range(job, chunk_count(job) - 1).unwrap();
    EXPECT_EQ(last.begin + last.length, job.end);
    EXPECT_EQ(parse_chunk_job(as_bytes(format_chunk_job(job).unwrap())).unwrap(), job);
}

TEST(ChunkJobs, ThatMakeNoSenseAreRefused)
{
    const auto refused = [](auto change) {
        auto job = some_job();
        change(job);
        return fails_with(check_chunk_job(job), ErrorCode::invalid_argument);
    };
    EXPECT_TRUE(refused([](ChunkJob& job) { job.end = job.begin; }));
    EXPECT_TRUE(refused([](ChunkJob& job) { job.end = job.total + 1; }));
    EXPECT_TRUE(refused([](ChunkJob& job) { job.chunk_length = 0; }));
    EXPECT_TRUE(refused([](ChunkJob& job) { job.targets.clear(); }));
    EXPECT_TRUE(refused([](ChunkJob& job) { job.targets.front().clear(); }));
    EXPECT_TRUE(refused([](ChunkJob& job) { job.command.clear(); }));
    EXPECT_TRUE(refused([](ChunkJob& job) { job.command.emplace_back("a\0b", 3); }));
    EXPECT_TRUE(refused([](ChunkJob& job) {
        job.end = job.total = max_chunks * 2;
        job.chunk_length = 1;
    }));
}

TEST(ChunkJobs, WithNamesThatJsonCannotHoldAreRefusedAndNotChanged)
{
    auto job = some_job();
    job.command.emplace_back("w\xF6rter.txt");
    EXPECT_TRUE(fails_with(format_chunk_job(job), ErrorCode::invalid_argument));
}

// ---- Records as text

TEST(ChunkRecords, ComeBackAsTheyWereWritten)
{
    const TemporaryFolder root;
    auto record = record_of(folder_in(root), 3);
    record.hits = {some_hit(41), some_hit(45, "other: \xC3\xA4")};
    EXPECT_EQ(parse_chunk_record(as_bytes(text_of(record))).unwrap(), record);
}

TEST(ChunkRecords, CutAnywhereAreNoticed)
{
    const TemporaryFolder root;
    auto record = record_of(folder_in(root), 3);
    record.hits = {some_hit(41)};
    const auto text = text_of(record);
    for (std::size_t length = 0; length < text.size(); ++length) {
        EXPECT_TRUE(fails_with(parse_chunk_record(as_bytes(text.substr(0, length))), ErrorCode::malformed)) << length;
    }
    EXPECT_TRUE(fails_with(parse_chunk_record(as_bytes(text + "x")), ErrorCode::malformed));
}

TEST(ChunkRecords, WithAnyByteChangedAreNoticed)
{
    const TemporaryFolder root;
    auto record = record_of(folder_in(root), 3);
    record.hits = {some_hit(41)};
    const auto text = text_of(record);
    for (std::size_t at = 0; at < text.size(); ++at) {
        auto changed = text;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        EXPECT_FALSE(parse_chunk_record(as_bytes(changed)).has_value()) << at;
    }
}

TEST(ChunkRecords, ThatContradictThemselvesAreNotWritten)
{
    const TemporaryFolder root;
    const auto sound = record_of(folder_in(root), 3);
    const auto refused = [&](auto change) {
        auto record = sound;
        change(record);
        return fails_with(format_chunk_record(record), ErrorCode::invalid_argument);
    };
    EXPECT_TRUE(refused([](ChunkRecord& record) { record.next = record.range.begin - 1; }));
    EXPECT_TRUE(refused([](ChunkRecord& record) { ++record.next; }));
    EXPECT_TRUE(refused([](ChunkRecord& record) { record.range.length = 0; }));
    EXPECT_TRUE(refused([](ChunkRecord& record) { record.hits = {some_hit(record.range.begin - 1)}; }));
    EXPECT_TRUE(refused([](ChunkRecord& record) { record.writer.token = "short"; }));
    EXPECT_TRUE(refused([](ChunkRecord& record) { record.writer.attempt = 0; }));
    EXPECT_TRUE(refused([](ChunkRecord& record) { record.writer.host = std::string(max_chunk_text + 1, 'h'); }));
    EXPECT_TRUE(
        refused([](ChunkRecord& record) { record.hits.assign(max_chunk_targets + 1, some_hit(record.range.begin)); }));
}

// ---- The folder

TEST(ChunkFolders, AreMadeOnceAndThenJoined)
{
    const TemporaryFolder root;
    const auto first = folder_in(root);
    auto other = some_job();
    other.chunk_length = 33; // the rate measured today is another
    other.version = "0.2.0";
    const auto again = make_chunk_folder(first.path, other).unwrap();
    EXPECT_EQ(again.job, first.job);
    EXPECT_EQ(again.digest, first.digest);
}

TEST(ChunkFolders, OfAnotherSearchAreRefused)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    const auto refused = [&](auto change) {
        auto job = some_job();
        change(job);
        return fails_with(make_chunk_folder(folder.path, job), ErrorCode::mismatch);
    };
    EXPECT_TRUE(refused([](ChunkJob& job) { job.target_identity = "footer:9"; }));
    EXPECT_TRUE(refused([](ChunkJob& job) { job.keyspace_identity = "pin:6:6"; }));
    EXPECT_TRUE(refused([](ChunkJob& job) { job.end = 104; }));
    EXPECT_TRUE(refused([](ChunkJob& job) { job.targets = {"b.img"}; }));
}

TEST(ChunkFolders, ThatAreNoneOrDamagedSaySo)
{
    const TemporaryFolder root;
    EXPECT_TRUE(fails_with(open_chunk_folder(root.path()), ErrorCode::not_found));
    ignore(append(root.path() / "job.json", "{\"schema\":\"salvage.chunks/1\"}"), "a test's file");
    EXPECT_TRUE(fails_with(open_chunk_folder(root.path()), ErrorCode::malformed));
    fs::resize_file(root.path() / "job.json", max_chunk_job_bytes.value + 1);
    EXPECT_TRUE(fails_with(open_chunk_folder(root.path()), ErrorCode::unsupported));
}

TEST(ChunkFolders, KeepWhatTheyHoldFromOtherPeople)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    auto record = record_of(folder, 0);
    record.hits = {some_hit(12)};
    ASSERT_TRUE(is_ok(commit_chunk(folder, record)));
    ASSERT_TRUE(is_ok(publish_hit(folder, 0, some_hit(12), some_writer())));
    for (const auto* sub : {"done", "hits"}) {
        for (const auto& each : fs::directory_iterator{folder.path / sub}) {
            EXPECT_EQ(each.status().permissions() & fs::perms{0077}, fs::perms::none) << each.path();
        }
    }
}

// ---- Committing

TEST(ChunkCommits, OnlyTheFirstCounts)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    const auto first = commit_chunk(folder, record_of(folder, 2, some_writer(1, 'a'))).unwrap();
    EXPECT_EQ(first.end, CommitEnd::committed);
    const auto second = commit_chunk(folder, record_of(folder, 2, some_writer(2, 'b'))).unwrap();
    EXPECT_EQ(second.end, CommitEnd::already_done);
    EXPECT_EQ(second.standing, first.standing);
    EXPECT_EQ(read_chunk_record(folder, 2).unwrap()->writer.attempt, 1U);
}

// link(2) over NFS may do its work, lose the answer, and be told "exists" when it asks again.
TEST(ChunkCommits, WhoseReplyWasLostAreOurs)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    const auto record = record_of(folder, 2);
    ASSERT_TRUE(is_ok(commit_chunk(folder, record)));
    EXPECT_EQ(commit_chunk(folder, record).unwrap().end, CommitEnd::committed);
}

TEST(ChunkCommits, OfAnotherJobOrRangeAreRefused)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    auto record = record_of(folder, 2);
    record.job = std::string(64, '0');
    EXPECT_TRUE(fails_with(commit_chunk(folder, record), ErrorCode::mismatch));
    record = record_of(folder, 2);
    record.range.number = 3;
    EXPECT_TRUE(fails_with(commit_chunk(folder, record), ErrorCode::mismatch));
    record = record_of(folder, 2);
    record.next -= 1; // ends early, and found nothing
    EXPECT_TRUE(fails_with(commit_chunk(folder, record), ErrorCode::mismatch));
    EXPECT_TRUE(fs::is_empty(folder.path / "done"));
}

TEST(ChunkCommits, OfManyAtOnceCountOnce)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    for (std::uint64_t chunk = 0; chunk < chunk_count(folder.job); ++chunk) {
        std::atomic<int> committed{0};
        {
            std::vector<std::jthread> threads;
            for (char token = 'a'; token < 'g'; ++token) {
                threads.emplace_back([&, token] {
                    const auto commit = commit_chunk(folder, record_of(folder, chunk, some_writer(1, token))).unwrap();
                    committed += commit.end == CommitEnd::committed ? 1 : 0;
                });
            }
        }
        EXPECT_EQ(committed, 1) << chunk;
    }
    const auto progress = read_progress(folder).unwrap();
    EXPECT_TRUE(is_complete(progress));
    EXPECT_EQ(progress.candidates_done, 95U);
}

// ---- Progress

TEST(ChunkProgresses, KnowWhatIsMissing)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    for (const std::uint64_t chunk : {0U, 1U, 3U, 9U}) {
        ASSERT_TRUE(is_ok(commit_chunk(folder, record_of(folder, chunk))));
    }
    const auto progress = read_progress(folder).unwrap();
    EXPECT_EQ(progress.missing, (std::vector<std::uint64_t>{2, 4, 5, 6, 7, 8}));
    EXPECT_EQ(progress.gaps, (std::vector<ChunkGap>{{.begin = 30, .end = 40}, {.begin = 50, .end = 100}}));
    EXPECT_EQ(progress.chunks_done, 4U);
    EXPECT_EQ(progress.candidates_done, 35U); // the last chunk is shorter
    EXPECT_FALSE(is_complete(progress));
    EXPECT_FALSE(is_over(progress));
}

TEST(ChunkProgresses, NoticeDamagedRecordsAndStrays)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    for (std::uint64_t chunk = 0; chunk < chunk_count(folder.job); ++chunk) {
        ASSERT_TRUE(is_ok(commit_chunk(folder, record_of(folder, chunk))));
    }
    ASSERT_TRUE(is_complete(read_progress(folder).unwrap()));
    fs::resize_file(folder.path / "done" / "4", 100);                       // torn
    fs::copy_file(folder.path / "done" / "5", folder.path / "done" / "77"); // no such chunk
    fs::copy_file(folder.path / "done" / "5", folder.path / "done" / "05");
    fs::copy_file(folder.path / "done" / "5", folder.path / "done" / "6", fs::copy_options::overwrite_existing);
    fs::remove(folder.path / "done" / "7");
    fs::create_directory(folder.path / "done" / "7");
    const auto progress = read_progress(folder).unwrap();
    EXPECT_EQ(progress.missing, (std::vector<std::uint64_t>{4, 6, 7}));
    ASSERT_EQ(progress.damaged.size(), 3U);
    EXPECT_EQ(progress.strays, (std::vector<std::string>{"05", "77"}));
    EXPECT_FALSE(is_complete(progress));
}

TEST(ChunkProgresses, HaveOneHitForATarget)
{
    const TemporaryFolder root;
    auto job = some_job();
    job.targets = {"phone.img", "tablet.img"};
    const auto folder = folder_in(root, job);
    auto record = record_of(folder, 3);
    record.hits = {some_hit(44)};
    ASSERT_TRUE(is_ok(commit_chunk(folder, record)));
    ASSERT_TRUE(is_ok(publish_hit(folder, 3, some_hit(44), some_writer())));
    ASSERT_TRUE(is_ok(publish_hit(folder, 1, some_hit(21), some_writer()))); // the same target, with a lower number
    ASSERT_TRUE(is_ok(publish_hit(folder, 1, some_hit(22, "nobody's"), some_writer())));
    const auto progress = read_progress(folder).unwrap();
    EXPECT_EQ(progress.hits, (std::vector<ChunkHit>{some_hit(21)}));
    EXPECT_FALSE(is_over(progress));
    ASSERT_TRUE(is_ok(publish_hit(folder, 5, some_hit(60, "tablet.img"), some_writer())));
    EXPECT_TRUE(is_over(read_progress(folder).unwrap()));
    EXPECT_FALSE(is_complete(read_progress(folder).unwrap()));
}

TEST(ChunkHits, ThatAreDamagedArePassedOver)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    ASSERT_TRUE(is_ok(publish_hit(folder, 1, some_hit(21), some_writer())));
    const auto name = fs::directory_iterator{folder.path / "hits"} -> path();
    fs::copy_file(name, folder.path / "hits" / "99-0000000000000000"); // a copy under another name
    ignore(append(folder.path / "hits" / "1-00", "rubbish"), "a test's file");
    fs::create_directory(folder.path / "hits" / "2-00");
    EXPECT_EQ(read_hits(folder).unwrap(), std::vector{some_hit(21)});
    fs::resize_file(name, 50);
    EXPECT_TRUE(read_hits(folder).unwrap().empty());
    EXPECT_TRUE(fails_with(publish_hit(folder, 1, some_hit(99), some_writer()), ErrorCode::invalid_argument));
}

// ---- Tasks

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
        ignore(append(work.checkpoint, "14"), "a test's file");
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
    ignore(append(folder.path / "checkpoint" / "0.1", "rubbish"), "a test's file");
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
    const auto progress = read_progress(folder).unwrap();
    EXPECT_EQ(progress.chunks_done, 0U);
    ASSERT_EQ(progress.begun.size(), 1U);
    EXPECT_EQ(progress.begun.front().attempts, 2U);
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
            ignore(append(witness, fmt::format("{}\n", next)), "a test's file");
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
