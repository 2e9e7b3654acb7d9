// Tending a search on Slurm: look at the queue, look at the ledger, bring the two together.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "rescue/chunk_files.hpp"
#include "rescue/chunk_folder.hpp"
#include "rescue/slurm_queue.hpp"
#include "salvage/io/output_file.hpp"

namespace salvage::rescue {
namespace {

SlurmTaskState state_of(const QueueLine& line)
{
    if (line.state == "RUNNING" || line.state == "CONFIGURING" || line.state == "SUSPENDED") {
        return SlurmTaskState::running;
    }
    if (line.state != "PENDING" && !line.state.starts_with("REQUEUE")) {
        return SlurmTaskState::ending; // COMPLETING, and the states of what has ended a moment ago
    }
    const bool is_held = line.reason.starts_with("JobHeld") || line.reason.starts_with("JobHold") ||
                         line.reason.find("requeued_held") != std::string::npos ||
                         line.reason.find("requeued held") != std::string::npos;
    return is_held ? SlurmTaskState::held : SlurmTaskState::waiting;
}

std::vector<SlurmTask> tasks_of(const std::vector<SlurmSubmission>& submissions, const std::vector<QueueLine>& queue)
{
    std::map<std::string, std::uint64_t> bases;
    for (const auto& each : submissions) {
        bases.emplace(each.job_name, each.base);
    }
    std::vector<SlurmTask> out;
    for (const auto& line : queue) {
        const auto base = bases.find(line.job_name);
        if (base == bases.end()) {
            continue;
        }
        out.push_back({.chunk = base->second + line.index,
                       .id = fmt::format("{}_{}", line.array_id, line.index),
                       .state = state_of(line),
                       .reason = line.reason,
                       .node = line.node});
    }
    std::ranges::sort(out, {}, &SlurmTask::chunk);
    return out;
}

/// One look after a search; its steps in order.
class Tending {
public:
    Tending(const ChunkFolder& folder, const SlurmOptions& options, CommandRunner& runner, const RunContext& context)
        : folder_{folder}, options_{options}, runner_{runner}, context_{context}
    {
        report_.folder = folder.path;
    }

    Result<SlurmReport> run()
    {
        submissions_ = SALVAGE_TRY(read_submissions(folder_));
        // The queue before the ledger: a task that ends between the two is then done, and not lost.
        const auto queue = read_queue(submissions_, runner_, context_);
        report_.progress = SALVAGE_TRY(read_progress(folder_));
        if (queue.has_value()) {
            report_.tasks = tasks_of(submissions_, *queue);
            SALVAGE_TRY(settle_submissions(*queue));
            SALVAGE_TRY(is_over(report_.progress) ? cancel_rest() : carry_on());
        } else if (queue.error().code == ErrorCode::cancelled) {
            return queue.error();
        } else {
            report_.queue_error = queue.error();
        }
        report_.state = state();
        return std::move(report_);
    }

private:
    /// Finds out what became of submissions that were cut off, and which have nothing left in the queue.
    Result<> settle_submissions(const std::vector<QueueLine>& queue)
    {
        for (auto& each : submissions_) {
            if (each.state == SubmissionState::ended) {
                continue;
            }
            const auto line = std::ranges::find(queue, each.job_name, &QueueLine::job_name);
            const auto before = each;
            if (line == queue.end()) {
                each.state = SubmissionState::ended;
            } else {
                if (each.slurm_id.empty()) {
                    report_.recovered.push_back(line->array_id);
                }
                each.slurm_id = line->array_id;
                each.state = SubmissionState::submitted;
            }
            if (each != before) {
                SALVAGE_TRY(write_submission(folder_, each));
            }
        }
        return {};
    }

    Result<> cancel_rest()
    {
        for (auto& each : submissions_) {
            if (each.state != SubmissionState::submitted) {
                continue;
            }
            if (SALVAGE_TRY(ask_unless_ended({"scancel", each.slurm_id}).in("ending what is left"))) {
                report_.cancelled.push_back(each.slurm_id);
            }
        }
        report_.tasks.clear();
        return {};
    }

    Result<> carry_on()
    {
        SALVAGE_TRY(release_waiting());
        return submit_missing();
    }

    /// After a lost machine Slurm lets a task wait until its credential has run out, two minutes.  That is for jobs
    /// that must not run twice at once; ours may.
    Result<> release_waiting()
    {
        for (auto& task : report_.tasks) {
            if (task.state != SlurmTaskState::waiting || task.reason != "BeginTime") {
                continue;
            }
            if (SALVAGE_TRY(ask_unless_ended({"scontrol", "update", "jobid=" + task.id, "StartTime=now"}))) {
                report_.released.push_back(task.id);
            }
        }
        return {};
    }

    /// False where Slurm says no: the task has begun meanwhile, or ended, and what the ledger holds is worth telling.
    Result<bool> ask_unless_ended(const std::vector<std::string>& command)
    {
        const auto done = ask_slurm(runner_, command, context_);
        if (!done.has_value() && done.error().code != ErrorCode::refused) {
            return done.error();
        }
        return done.has_value();
    }

    Result<> submit_missing()
    {
        std::set<std::uint64_t> covered;
        for (const auto& task : report_.tasks) {
            covered.insert(task.chunk);
        }
        for (const auto& begun : report_.progress.begun) {
            if (begun.attempts >= options_.most_attempts && covered.insert(begun.chunk).second) {
                report_.failing.push_back(begun.chunk);
            }
        }
        std::map<std::uint64_t, std::vector<std::uint64_t>> arrays;
        for (const auto chunk : report_.progress.missing) {
            if (!covered.contains(chunk)) {
                arrays[chunk - chunk % options_.array_size].push_back(chunk % options_.array_size);
            }
        }
        for (auto& [base, indices] : arrays) {
            SALVAGE_TRY(submit(base, std::move(indices)));
        }
        return {};
    }

    /// Written down before sbatch is asked, and again with the number it gave: whatever is cut off in between is found
    /// in the queue by its name.
    Result<> submit(std::uint64_t base, std::vector<std::uint64_t> indices)
    {
        SlurmSubmission submission{.number = submissions_.empty() ? 1 : submissions_.back().number + 1,
                                   .job_name = {},
                                   .base = base,
                                   .indices = std::move(indices),
                                   .state = SubmissionState::planned,
                                   .slurm_id = {}};
        if (submission.number > max_submissions) {
            return Error{
                ErrorCode::refused, "this search was submitted too often",     fmt::format("{} times", max_submissions),
                std::nullopt,       "see why its tasks end in the folder log", {}};
        }
        submission.job_name = submission_name(folder_, submission.number);
        const auto script = slurm_script(folder_, base);
        SALVAGE_TRY(io::write_file_atomically(script_path(folder_, submission.number), as_bytes(script),
                                              io::Existing::replace, 0700)
                        .in("writing the script of an array"));
        SALVAGE_TRY(write_submission(folder_, submission));
        submissions_.push_back(submission);
        const auto said = SALVAGE_TRY(
            ask_slurm(runner_, sbatch_command(folder_, submission, options_), context_).in("submitting an array"));
        submission.slurm_id = SALVAGE_TRY(parse_submitted_id(said));
        submission.state = SubmissionState::submitted;
        SALVAGE_TRY(write_submission(folder_, submission));
        submissions_.back() = submission;
        for (const auto index : submission.indices) {
            report_.tasks.push_back({.chunk = base + index,
                                     .id = fmt::format("{}_{}", submission.slurm_id, index),
                                     .state = SlurmTaskState::waiting,
                                     .reason = {},
                                     .node = {}});
        }
        report_.submitted.push_back(submission.slurm_id);
        return {};
    }

    [[nodiscard]] SlurmSearchState state() const
    {
        if (report_.progress.are_all_targets_hit) {
            return SlurmSearchState::found;
        }
        if (is_complete(report_.progress)) {
            return SlurmSearchState::exhausted;
        }
        const bool has_nothing_left = report_.tasks.empty() && !report_.failing.empty();
        return has_nothing_left ? SlurmSearchState::stuck : SlurmSearchState::searching;
    }

    const ChunkFolder& folder_;
    const SlurmOptions& options_;
    CommandRunner& runner_;
    const RunContext& context_;
    std::vector<SlurmSubmission> submissions_;
    SlurmReport report_;
};

Result<> check_options(const SlurmOptions& options)
{
    const auto has_line_break = [](const std::string& text) { return text.find('\n') != std::string::npos; };
    if (options.cpus == 0 || options.array_size == 0 || options.most_attempts == 0) {
        return invalid_argument("Slurm is asked for nothing", "cores, tasks of an array and attempts are 1 at least");
    }
    if (has_line_break(options.partition) || has_line_break(options.time_limit) || has_line_break(options.memory)) {
        return invalid_argument("an option for Slurm has a line break in it");
    }
    return {};
}

} // namespace

Result<SlurmReport> tend_slurm(const ChunkFolder& folder, const SlurmOptions& options, CommandRunner& runner,
                               const RunContext& context)
{
    SALVAGE_TRY(check_options(options));
    const auto lock = SALVAGE_TRY(lock_submissions(folder));
    return Tending{folder, options, runner, context}.run();
}

} // namespace salvage::rescue
