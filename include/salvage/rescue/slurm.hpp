// A search in chunks on an existing Slurm: job arrays, one task a chunk.  What counts is the chunk folder's business;
// this carries tasks to machines, and carries them there again where Slurm lost them.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/rescue/chunks.hpp"
#include "salvage/rescue/command.hpp"

namespace salvage::rescue {

// ---- What is asked of Slurm

struct SlurmOptions {
    unsigned cpus{1};                 ///< cores of a task
    unsigned gpus{0};                 ///< of a task, as gres
    std::string partition;            ///< empty: the cluster's own
    std::string time_limit;           ///< of a task, in Slurm's form; empty: the partition's
    std::string memory;               ///< of a task, in Slurm's form; empty: the cluster's own
    std::vector<std::string> further; ///< more options for sbatch, as they are
    unsigned array_size{1000};        ///< tasks of one array; Slurm's MaxArraySize is 1001 unless the site changed it
    std::uint32_t most_attempts{10};  ///< a chunk that ended so often without a result is not submitted again
    bool operator==(const SlurmOptions&) const = default;
};

/// Tasks of a search: minutes each, and not more than a queue likes (MaxJobCount is 10000 unless the site changed it).
inline constexpr std::uint64_t most_planned_chunks = 8000;
/// Candidates of a chunk, for tasks of about `task_time` at `rate` candidates a second.
/// Errors: invalid_argument (no candidates; no rate).
[[nodiscard]] Result<std::uint64_t> plan_chunk_length(std::uint64_t candidates, double rate,
                                                      std::chrono::duration<double> task_time);

/// The script that Slurm runs for each task of an array: `command` --chunk-folder FOLDER --chunk (base + index).
[[nodiscard]] std::string slurm_script(const ChunkFolder& folder, std::uint64_t base);

// ---- How it goes

enum class SlurmTaskState : std::uint8_t {
    running,
    waiting, ///< for a machine
    held,    ///< Slurm will not start it by itself: see `reason`
    ending,
};
/// A chunk in Slurm's queue.
struct SlurmTask {
    std::uint64_t chunk{};
    std::string id; ///< "17_3"
    SlurmTaskState state{SlurmTaskState::waiting};
    std::string reason; ///< Slurm's word for why it waits
    std::string node;   ///< where it runs
    bool operator==(const SlurmTask&) const = default;
};

enum class SlurmSearchState : std::uint8_t {
    searching,
    found,     ///< each target has its hit
    exhausted, ///< every candidate was tried; some target has none
    stuck,     ///< nothing is in the queue, and what is missing has failed too often
};
struct SlurmReport {
    SlurmSearchState state{SlurmSearchState::searching};
    std::filesystem::path folder;
    ChunkProgress progress;
    std::vector<SlurmTask> tasks;       ///< ordered by chunk
    std::vector<std::uint64_t> failing; ///< chunks that are not submitted again
    std::vector<std::string> submitted; ///< arrays that were submitted now
    std::vector<std::string> recovered; ///< arrays whose submission was cut off, and that were found in the queue
    std::vector<std::string> released;  ///< tasks that would have waited two minutes after a lost machine
    std::vector<std::string> cancelled; ///< arrays that were ended: nothing is left to find
    std::optional<Error> queue_error;   ///< Slurm does not answer; then nothing was submitted, and `tasks` is empty
};

/// Keeps the options in the folder, for later looks.  Errors: io, no_space.
Result<> save_slurm_options(const ChunkFolder& folder, const SlurmOptions& options);
/// Those kept in the folder, or the defaults.  Errors: malformed, io.
[[nodiscard]] Result<SlurmOptions> load_slurm_options(const ChunkFolder& folder);

/// Brings queue and folder together: submits chunks that are neither done nor queued, frees tasks from the two minutes
/// that Slurm makes them wait after a lost machine, ends the rest once each target has its hit, and says how it stands.
///
/// Calling it again does nothing twice.  A kill at any moment is made up for by the next call: a submission is written
/// down before sbatch is asked, under a name the queue is searched for.
/// Errors: already_exists (another run is at it), refused (sbatch said no: its words), those of the folder.
[[nodiscard]] Result<SlurmReport> tend_slurm(const ChunkFolder& folder, const SlurmOptions& options,
                                             CommandRunner& runner, const RunContext& context);

// ---- Inside a task

/// What Slurm tells a task about itself.
struct SlurmSelf {
    std::string job_id;    ///< SLURM_JOB_ID
    std::string array_id;  ///< SLURM_ARRAY_JOB_ID
    std::string task_id;   ///< SLURM_ARRAY_TASK_ID
    std::string node_name; ///< SLURMD_NODENAME
};
/// Of the environment; nothing outside of Slurm.  `get`: the value of a variable, or null.
[[nodiscard]] std::optional<SlurmSelf> slurm_self(const std::function<const char*(const char*)>& get);

/// Asks Slurm to run this task again later: it was told to end (time limit, preemption) and has a checkpoint.  A task
/// that is being cancelled is left alone; true where it was asked.  Errors: those of the runner.
[[nodiscard]] Result<bool> requeue_self(const SlurmSelf& self, CommandRunner& runner, const RunContext& context);

} // namespace salvage::rescue
