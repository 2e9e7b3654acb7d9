// A search on a Slurm that is played: what is asked of it, what is made of its answers, and what a kill in between
// costs.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "rescue/slurm_queue.hpp"
#include "rescue/slurm_submission.hpp"
#include "salvage/rescue/slurm.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::rescue {
namespace {

using salvage::test::fails_with;
using salvage::test::is_ok;
using salvage::test::read_file;
using salvage::test::TemporaryFolder;
namespace fs = std::filesystem;

/// A Slurm with a queue: sbatch fills it, squeue shows it, scancel empties it, and some calls fail or are cut off.
class PlayedSlurm final : public CommandRunner {
public:
    struct Task {
        std::string array_id;
        std::uint64_t index{};
        std::string name;
        std::string state{"PENDING"};
        std::string reason{"Resources"};
    };
    std::vector<Task> queue;
    std::vector<std::vector<std::string>> asked;
    bool is_away{false};       ///< the controller does not answer
    bool loses_replies{false}; ///< sbatch does its work, and its answer is lost
    bool refuses_to_end{false};

    Result<CommandAnswer> run(const std::vector<std::string>& command, const RunContext& /*context*/) override
    {
        asked.push_back(command);
        if (is_away) {
            return CommandAnswer{
                .exit_code = 1, .out = {}, .complaint = "error: retrying\nerror: Unable to contact the controller\n"};
        }
        if (command.front() == "sbatch") {
            return sbatch(command);
        }
        if (command.front() == "squeue") {
            return CommandAnswer{.exit_code = 0, .out = squeue(command), .complaint = {}};
        }
        if (command.front() == "scancel" && refuses_to_end) {
            return CommandAnswer{.exit_code = 1, .out = {}, .complaint = "error: Invalid job id specified\n"};
        }
        if (command.front() == "scancel") {
            std::erase_if(queue, [&](const Task& task) { return task.array_id == command.at(1); });
        }
        return CommandAnswer{};
    }
    [[nodiscard]] std::size_t times(std::string_view program) const
    {
        return static_cast<std::size_t>(
            std::ranges::count_if(asked, [&](const auto& command) { return command.front() == program; }));
    }
    [[nodiscard]] std::set<std::uint64_t> queued_indices() const
    {
        std::set<std::uint64_t> out;
        for (const auto& task : queue) {
            EXPECT_TRUE(out.insert(task.index).second) << "submitted twice: " << task.index;
        }
        return out;
    }
    static std::string option(const std::vector<std::string>& command, std::string_view name)
    {
        for (const auto& word : command) {
            if (word.starts_with(name)) {
                return word.substr(name.size());
            }
        }
        return {};
    }

private:
    Result<CommandAnswer> sbatch(const std::vector<std::string>& command)
    {
        const auto id = fmt::to_string(next_id_++);
        for (const auto index : parse_indices(option(command, "--array=")).unwrap()) {
            queue.push_back({.array_id = id, .index = index, .name = option(command, "--job-name=")});
        }
        if (loses_replies) {
            return Error{ErrorCode::timed_out, "sbatch gave no answer", {}, std::nullopt, {}, {}};
        }
        return CommandAnswer{.exit_code = 0, .out = id + ";cluster\n", .complaint = {}};
    }
    [[nodiscard]] std::string squeue(const std::vector<std::string>& command) const
    {
        const auto names = "," + option(command, "--name=") + ",";
        std::string out = "The site's motto of the day\n";
        for (const auto& task : queue) {
            if (names.find("," + task.name + ",") != std::string::npos) {
                out +=
                    fmt::format("{}|{}|{}|{}|{}|n1\n", task.array_id, task.index, task.name, task.state, task.reason);
            }
        }
        return out;
    }
    std::uint64_t next_id_{17};
};

ChunkJob some_job(std::uint64_t chunks)
{
    return {.target_identity = "footer:0123",
            .keyspace_identity = "pin:4:4:order=1",
            .targets = {"phone.img"},
            .total = 100 * chunks,
            .begin = 0,
            .end = 100 * chunks,
            .chunk_length = 100,
            .command = {"/opt/it's here/salvage", "crack", "a b.img"},
            .folder = "/srv",
            .version = "0.1.0"};
}

void finish_chunk(const ChunkFolder& folder, PlayedSlurm& slurm, std::uint64_t chunk, std::vector<ChunkHit> hits = {})
{
    const RunRange run = [&](const ChunkWork& work, const RunContext&) -> Result<ChunkOutcome> {
        return ChunkOutcome{
            .end = RangeEnd::exhausted, .next = work.range.begin + 100, .tried = 100, .hits = std::move(hits)};
    };
    EXPECT_TRUE(is_ok(run_chunk(folder, chunk, run, {}, {})));
    std::erase_if(slurm.queue, [&](const auto& task) { return task.index == chunk; });
}

ChunkHit some_hit(std::uint64_t number)
{
    return {.number = number, .target = "phone.img", .secret = "1234", .encoding = "text"};
}

struct Bench {
    explicit Bench(std::uint64_t chunks) : folder{make_chunk_folder(root.path() / "job", some_job(chunks)).unwrap()} {}
    Result<SlurmReport> tend() { return tend_slurm(folder, options, slurm, {}); }

    TemporaryFolder root;
    ChunkFolder folder;
    SlurmOptions options;
    PlayedSlurm slurm;
};

// ---- Cutting

TEST(SlurmPlan, MakesTasksOfMinutes)
{
    EXPECT_EQ(plan_chunk_length(1'000'000, 11.5, std::chrono::minutes{10}).unwrap(), 6900U);
    EXPECT_EQ(plan_chunk_length(10'000, 1e9, std::chrono::minutes{10}).unwrap(), 10'000U);
    EXPECT_EQ(plan_chunk_length(10, 0.001, std::chrono::seconds{1}).unwrap(), 1U);
}

TEST(SlurmPlan, MakesLongerTasksBeforeTheQueueIsFull)
{
    const auto most = std::numeric_limits<std::uint64_t>::max();
    auto job = some_job(1);
    for (const auto candidates : {most, most - 1, std::uint64_t{10'000'000'001}}) {
        job.total = job.end = candidates;
        job.chunk_length = plan_chunk_length(candidates, 1, std::chrono::seconds{60}).unwrap();
        EXPECT_LE(chunk_count(job), most_planned_chunks) << candidates;
    }
    EXPECT_TRUE(fails_with(plan_chunk_length(0, 1, std::chrono::seconds{60}), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(plan_chunk_length(1, 0, std::chrono::seconds{60}), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(plan_chunk_length(1, std::nan(""), std::chrono::seconds{60}), ErrorCode::invalid_argument));
}

TEST(SlurmScripts, TakeEveryWordAsItIs)
{
    const Bench bench{1};
    const auto script = slurm_script(bench.folder, 2000);
    EXPECT_NE(script.find("'/opt/it'\\''s here/salvage' 'crack' 'a b.img' --chunk-folder "), std::string::npos);
    const auto shown = salvage::test::run_command(
        fmt::format("SLURM_ARRAY_TASK_ID=7 sh -c {}",
                    "'set -- x; exec printf \"[%s]\" \"a b\" --chunk \"$((2000 + SLURM_ARRAY_TASK_ID))\"'"));
    EXPECT_EQ(shown, "[a b][--chunk][2007]");
    EXPECT_NE(script.find("--chunk \"$((2000 + SLURM_ARRAY_TASK_ID))\"\n"), std::string::npos);
}

TEST(SlurmIndices, AreWrittenAndReadAsRanges)
{
    const std::vector<std::uint64_t> indices{0, 1, 2, 5, 7, 8, 999};
    EXPECT_EQ(format_indices(indices), "0-2,5,7-8,999");
    EXPECT_EQ(parse_indices("0-2,5,7-8,999").unwrap(), indices);
    for (const auto* text : {"3-1", "1,1", "2,1", "x", "1-", "-1", "1,,2", "0-4000001", "01"}) {
        EXPECT_TRUE(fails_with(parse_indices(text), ErrorCode::malformed)) << text;
    }
}

// ---- Slurm's words

TEST(SlurmQueue, UnderstandsSqueue)
{
    const auto lines = parse_queue("motto\n17|3|salvage-a-1|RUNNING|None|n2\n17|4|salvage-a-1|PENDING|BeginTime|\n"
                                   "18|N/A|other|RUNNING|None|n2\n19|1|short\n|||||\n17|5|salvage-a-1|PENDING|a|b|c");
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_EQ(lines[0], (QueueLine{"17", 3, "salvage-a-1", "RUNNING", "None", "n2"}));
    EXPECT_EQ(lines[1].reason, "BeginTime");
    EXPECT_EQ(lines[2].node, "b|c");
}

TEST(SlurmQueue, UnderstandsSbatch)
{
    EXPECT_EQ(parse_submitted_id("17\n").unwrap(), "17");
    EXPECT_EQ(parse_submitted_id("a motto\n18;cluster\n").unwrap(), "18");
    EXPECT_TRUE(fails_with(parse_submitted_id(""), ErrorCode::malformed));
    EXPECT_TRUE(fails_with(parse_submitted_id("Submitted batch job 18\n"), ErrorCode::malformed));
}

TEST(SlurmSubmissions, ComeBackAsTheyWereWritten)
{
    const SlurmSubmission submission{.number = 3,
                                     .job_name = "salvage-0123-3",
                                     .base = 2000,
                                     .indices = {0, 1, 5},
                                     .state = SubmissionState::submitted,
                                     .slurm_id = "17"};
    const auto text = format_submission(submission);
    EXPECT_EQ(parse_submission(text).unwrap(), submission);
    for (std::size_t length = 0; length + 2 < text.size(); ++length) {
        EXPECT_FALSE(parse_submission(text.substr(0, length)).has_value()) << length;
    }
    EXPECT_TRUE(fails_with(parse_submission("{}"), ErrorCode::unsupported));
}

// ---- Tending

TEST(Slurm, SubmitsEveryChunkOnceAndNothingTwice)
{
    Bench bench{25};
    bench.options = {.cpus = 3,
                     .gpus = 2,
                     .partition = "gpu",
                     .time_limit = "1:00:00",
                     .memory = "4G",
                     .further = {"--nice=100"},
                     .array_size = 1000,
                     .most_attempts = 10};
    const auto report = bench.tend().unwrap();
    EXPECT_EQ(report.submitted, std::vector<std::string>{"17"});
    EXPECT_EQ(report.state, SlurmSearchState::searching);
    EXPECT_EQ(bench.slurm.queued_indices().size(), 25U);
    const auto& command = bench.slurm.asked.back();
    for (const auto* word : {"--parsable", "--requeue", "--open-mode=append", "--array=0-24", "--cpus-per-task=3",
                             "--gres=gpu:2", "--partition=gpu", "--time=1:00:00", "--mem=4G", "--nice=100"}) {
        EXPECT_NE(std::ranges::find(command, word), command.end()) << word;
    }
    EXPECT_TRUE(fs::exists(command.back())); // the script
    EXPECT_TRUE(bench.tend().unwrap().submitted.empty());
    EXPECT_EQ(bench.slurm.times("sbatch"), 1U);
}

TEST(Slurm, TakesSeveralArraysWhereOneIsTooSmall)
{
    Bench bench{25};
    bench.options.array_size = 10;
    EXPECT_EQ(bench.tend().unwrap().submitted.size(), 3U);
    EXPECT_EQ(PlayedSlurm::option(bench.slurm.asked.back(), "--array="), "0-4");
    const auto script = read_file(bench.slurm.asked.back().back());
    EXPECT_NE(as_text(script).find("$((20 + SLURM_ARRAY_TASK_ID))"), std::string::npos);
    const auto report = bench.tend().unwrap();
    ASSERT_EQ(report.tasks.size(), 25U);
    for (std::uint64_t chunk = 0; chunk < 25; ++chunk) {
        EXPECT_EQ(report.tasks[chunk].chunk, chunk);
    }
}

TEST(Slurm, SubmitsAgainWhatWasLost)
{
    Bench bench{6};
    ASSERT_TRUE(is_ok(bench.tend()));
    finish_chunk(bench.folder, bench.slurm, 0);
    std::erase_if(bench.slurm.queue, [](const auto& task) { return task.index == 3 || task.index == 5; });
    EXPECT_EQ(bench.tend().unwrap().submitted.size(), 1U);
    EXPECT_EQ(PlayedSlurm::option(bench.slurm.asked.back(), "--array="), "3,5");
    EXPECT_EQ(bench.slurm.queued_indices(), (std::set<std::uint64_t>{1, 2, 3, 4, 5}));
}

TEST(Slurm, FindsASubmissionWhoseReplyWasLost)
{
    Bench bench{6};
    bench.slurm.loses_replies = true;
    EXPECT_TRUE(fails_with(bench.tend(), ErrorCode::timed_out));
    bench.slurm.loses_replies = false;
    const auto report = bench.tend().unwrap();
    EXPECT_EQ(report.recovered, std::vector<std::string>{"17"});
    EXPECT_TRUE(report.submitted.empty());
    EXPECT_EQ(bench.slurm.queued_indices().size(), 6U);
}

TEST(Slurm, SubmitsWhatWasOnlyWrittenDown)
{
    Bench bench{6};
    SlurmSubmission planned{.number = 1,
                            .job_name = submission_name(bench.folder, 1),
                            .base = 0,
                            .indices = {0, 1, 2, 3, 4, 5},
                            .state = SubmissionState::planned,
                            .slurm_id = {}};
    ASSERT_TRUE(is_ok(write_submission(bench.folder, planned))); // and killed
    EXPECT_EQ(bench.tend().unwrap().submitted.size(), 1U);
    EXPECT_EQ(bench.slurm.queued_indices().size(), 6U);
    EXPECT_EQ(read_submissions(bench.folder).unwrap().front().state, SubmissionState::ended);
}

TEST(Slurm, FreesTasksFromTheTwoMinutesAfterALostMachine)
{
    Bench bench{4};
    ASSERT_TRUE(is_ok(bench.tend()));
    bench.slurm.queue[2].reason = "BeginTime";
    bench.slurm.queue[1].reason = "JobHeldUser";
    const auto report = bench.tend().unwrap();
    EXPECT_EQ(report.released, std::vector<std::string>{"17_2"});
    EXPECT_EQ(bench.slurm.asked.back(),
              (std::vector<std::string>{"scontrol", "update", "jobid=17_2", "StartTime=now"}));
    EXPECT_EQ(report.tasks[1].state, SlurmTaskState::held);
}

TEST(Slurm, EndsTheRestOnceEverythingIsFound)
{
    Bench bench{25};
    bench.options.array_size = 10;
    ASSERT_TRUE(is_ok(bench.tend()));
    finish_chunk(bench.folder, bench.slurm, 3, {some_hit(321)});
    const auto report = bench.tend().unwrap();
    EXPECT_EQ(report.state, SlurmSearchState::found);
    EXPECT_EQ(report.cancelled.size(), 3U);
    EXPECT_TRUE(bench.slurm.queue.empty());
    const auto again = bench.tend().unwrap();
    EXPECT_TRUE(again.cancelled.empty() && again.submitted.empty());
}

// Between the look at the queue and scancel the last task may end by itself.
TEST(Slurm, TellsWhatWasFoundThoughTheRestHasEndedMeanwhile)
{
    Bench bench{3};
    ASSERT_TRUE(is_ok(bench.tend()));
    finish_chunk(bench.folder, bench.slurm, 1, {some_hit(121)});
    bench.slurm.refuses_to_end = true;
    const auto report = bench.tend().unwrap();
    EXPECT_EQ(report.state, SlurmSearchState::found);
    EXPECT_TRUE(report.cancelled.empty());
}

TEST(Slurm, SaysWhenEverythingWasTried)
{
    Bench bench{3};
    ASSERT_TRUE(is_ok(bench.tend()));
    for (std::uint64_t chunk = 0; chunk < 3; ++chunk) {
        finish_chunk(bench.folder, bench.slurm, chunk);
    }
    EXPECT_EQ(bench.tend().unwrap().state, SlurmSearchState::exhausted);
}

TEST(Slurm, DoesNotSubmitForEverWhatAlwaysFails)
{
    Bench bench{2};
    bench.options.most_attempts = 3;
    const RunRange failing = [](const ChunkWork&, const RunContext&) -> Result<ChunkOutcome> {
        return Error{ErrorCode::io, "the dump cannot be read", {}, std::nullopt, {}, {}};
    };
    finish_chunk(bench.folder, bench.slurm, 0);
    for (int life = 0; life < 3; ++life) {
        EXPECT_EQ(bench.tend().unwrap().submitted.size(), 1U);
        EXPECT_TRUE(fails_with(run_chunk(bench.folder, 1, failing, {}, {}), ErrorCode::io));
        bench.slurm.queue.clear();
    }
    const auto report = bench.tend().unwrap();
    EXPECT_EQ(report.state, SlurmSearchState::stuck);
    EXPECT_EQ(report.failing, std::vector<std::uint64_t>{1});
    EXPECT_TRUE(report.submitted.empty());
}

TEST(Slurm, DoesNothingWhileTheControllerIsAway)
{
    Bench bench{4};
    ASSERT_TRUE(is_ok(bench.tend()));
    finish_chunk(bench.folder, bench.slurm, 1);
    bench.slurm.is_away = true;
    const auto report = bench.tend().unwrap();
    ASSERT_TRUE(report.queue_error.has_value());
    EXPECT_NE(report.queue_error->why.find("error: retrying; error: Unable to contact the controller"),
              std::string::npos)
        << to_string(*report.queue_error);
    EXPECT_EQ(report.progress.chunks_done, 1U);
    EXPECT_EQ(bench.slurm.times("sbatch"), 1U);
    EXPECT_EQ(report.state, SlurmSearchState::searching);
}

TEST(Slurm, IsTendedByOneAtATime)
{
    Bench bench{4};
    const auto lock = lock_submissions(bench.folder).unwrap();
    EXPECT_TRUE(fails_with(bench.tend(), ErrorCode::already_exists));
}

TEST(Slurm, KeepsItsOptionsInTheFolder)
{
    const Bench bench{4};
    EXPECT_EQ(load_slurm_options(bench.folder).unwrap(), SlurmOptions{});
    const SlurmOptions options{.cpus = 3,
                               .gpus = 2,
                               .partition = "gpu",
                               .time_limit = "1:00:00",
                               .memory = "4G",
                               .further = {"--nice=100", "--exclude=n7"},
                               .array_size = 7,
                               .most_attempts = 2};
    ASSERT_TRUE(is_ok(save_slurm_options(bench.folder, options)));
    EXPECT_EQ(load_slurm_options(bench.folder).unwrap(), options);
}

// ---- Inside a task

TEST(SlurmTasks, KnowThemselvesFromTheEnvironment)
{
    std::map<std::string, std::string> variables;
    const auto get = [&](const char* name) -> const char* {
        const auto found = variables.find(name);
        return found == variables.end() ? nullptr : found->second.c_str();
    };
    EXPECT_FALSE(slurm_self(get).has_value());
    variables = {{"SLURM_JOB_ID", "20"}, {"SLURM_ARRAY_JOB_ID", "17"}, {"SLURM_ARRAY_TASK_ID", "3"}};
    EXPECT_EQ(slurm_self(get)->array_id, "17");
}

/// Answers one word to squeue.
class OneState final : public CommandRunner {
public:
    explicit OneState(std::string state) : state_{std::move(state)} {}
    Result<CommandAnswer> run(const std::vector<std::string>& command, const RunContext& /*context*/) override
    {
        last = command;
        return CommandAnswer{.exit_code = 0, .out = state_ + "\n", .complaint = {}};
    }
    std::vector<std::string> last;

private:
    std::string state_;
};

TEST(SlurmTasks, AskToBeRunAgainUnlessTheyAreBeingCancelled)
{
    const SlurmSelf self{.job_id = "20", .array_id = "17", .task_id = "3", .node_name = "n1"};
    OneState running{"RUNNING"};
    EXPECT_TRUE(requeue_self(self, running, {}).unwrap());
    EXPECT_EQ(running.last, (std::vector<std::string>{"scontrol", "requeue", "20"}));
    OneState ending{"COMPLETING"};
    EXPECT_FALSE(requeue_self(self, ending, {}).unwrap());
    EXPECT_EQ(ending.last.front(), "squeue");
}

// ---- Other programs, for real

TEST(CommandRunners, TellWhatAProgramSaid)
{
    const auto runner = make_command_runner();
    const auto answer = runner->run({"sh", "-c", "echo out; echo \"$1\" >&2; exit 3", "x", "a 'b' $c"}, {}).unwrap();
    EXPECT_EQ(answer.out, "out\n");
    EXPECT_EQ(answer.complaint, "a 'b' $c\n");
    EXPECT_EQ(answer.exit_code, 3);
    EXPECT_EQ(runner->run({"sh", "-c", "exec >&- 2>&-; sleep 0.05; exit 4"}, {}).unwrap().exit_code, 4);
    EXPECT_EQ(runner->run({"sh", "-c", "kill -KILL $$"}, {}).unwrap().exit_code, 137);
    EXPECT_TRUE(fails_with(runner->run({"salvage-no-such-program"}, {}), ErrorCode::not_found));
    EXPECT_TRUE(fails_with(runner->run({}, {}), ErrorCode::invalid_argument));
}

TEST(CommandRunners, EndAProgramThatIsSilentForTooLong)
{
    const auto runner = make_command_runner(std::chrono::milliseconds{100});
    EXPECT_TRUE(fails_with(runner->run({"sleep", "1000"}, {}), ErrorCode::timed_out));
    // Closed output is not yet an end.
    EXPECT_TRUE(fails_with(runner->run({"sh", "-c", "exec sleep 1000 >&- 2>&-"}, {}), ErrorCode::timed_out));
}

TEST(CommandRunners, DoNotReadForEver)
{
    const auto runner = make_command_runner();
    const auto words = fmt::format("head -c {} /dev/zero", max_command_answer.value + 1);
    EXPECT_TRUE(fails_with(runner->run({"sh", "-c", words}, {}), ErrorCode::unsupported));
    EXPECT_EQ(runner->run({"sh", "-c", "head -c 1000000 /dev/zero >&2"}, {}).unwrap().complaint.size(), 8192U);
}

} // namespace
} // namespace salvage::rescue
