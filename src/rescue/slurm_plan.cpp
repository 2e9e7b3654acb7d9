// How a search is cut for Slurm, what a task runs, and what a task knows about itself.
#include <algorithm>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "rescue/slurm_queue.hpp"

namespace salvage::rescue {
namespace {

/// A word that the shell takes as it is.
std::string shell_word(std::string_view word)
{
    std::string out = "'";
    for (const char c : word) {
        out += c == '\'' ? std::string{"'\\''"} : std::string{c};
    }
    return out + "'";
}

std::string text_or_empty(const char* text)
{
    return text == nullptr ? std::string{} : std::string{text};
}

} // namespace

Result<std::uint64_t> plan_chunk_length(std::uint64_t candidates, double rate, std::chrono::duration<double> task_time)
{
    if (candidates == 0 || !std::isfinite(rate) || rate <= 0 || !(task_time.count() > 0)) {
        return invalid_argument("the search cannot be cut into chunks",
                                fmt::format("{} candidates at {} a second", candidates, rate));
    }
    const auto fewest = candidates / most_planned_chunks + (candidates % most_planned_chunks == 0 ? 0U : 1U);
    const auto wanted = rate * task_time.count();
    // Beyond the number of candidates there is one chunk; a double that large would not fit either.
    const auto timed = wanted >= static_cast<double>(candidates) ? candidates : static_cast<std::uint64_t>(wanted);
    return std::max({timed, fewest, std::uint64_t{1}});
}

std::string slurm_script(const ChunkFolder& folder, std::uint64_t base)
{
    // exec: signals that Slurm sends to the script reach the program itself.
    std::string out = "#!/bin/sh\n# Written by salvage: one task of an array, one chunk of the search.\nexec";
    for (const auto& word : folder.job.command) {
        out += " " + shell_word(word);
    }
    out += fmt::format(" --chunk-folder {} --chunk \"$(({} + SLURM_ARRAY_TASK_ID))\"\n",
                       shell_word(folder.path.native()), base);
    return out;
}

std::optional<SlurmSelf> slurm_self(const std::function<const char*(const char*)>& get)
{
    SlurmSelf out{.job_id = text_or_empty(get("SLURM_JOB_ID")),
                  .array_id = text_or_empty(get("SLURM_ARRAY_JOB_ID")),
                  .task_id = text_or_empty(get("SLURM_ARRAY_TASK_ID")),
                  .node_name = text_or_empty(get("SLURMD_NODENAME"))};
    return out.job_id.empty() ? std::nullopt : std::optional{std::move(out)};
}

Result<bool> requeue_self(const SlurmSelf& self, CommandRunner& runner, const RunContext& context)
{
    // A task that is being cancelled or preempted is COMPLETING by now: Slurm itself knows what becomes of it.
    const auto state =
        SALVAGE_TRY(ask_slurm(runner, {"squeue", "--noheader", "--jobs=" + self.job_id, "--format=%T"}, context)
                        .in("asking for this task's state"));
    if (!state.starts_with("RUNNING")) {
        return false;
    }
    SALVAGE_TRY(ask_slurm(runner, {"scontrol", "requeue", self.job_id}, context).in("asking to be run again"));
    return true;
}

} // namespace salvage::rescue
