// crack … --slurm DIR: a search carried by an existing Slurm.  What the crack verb calls, and the options it adds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "salvage/rescue/slurm.hpp"
#include "session.hpp"

namespace salvage::cli {

/// What a user says about Slurm, and what a task is told.
struct SlurmCliOptions {
    std::string folder; ///< --slurm DIR; empty: no Slurm
    bool is_status{false};
    bool is_watched{false};
    std::vector<std::string> further;
    double task_minutes{10};
    std::optional<std::uint64_t> chunk_length; ///< instead of minutes
    std::optional<unsigned> cpus;
    std::optional<unsigned> gpus;
    std::optional<unsigned> array_size;
    std::string partition;
    std::string time_limit;
    std::string memory;
    std::string chunk_folder; ///< of a task
    std::optional<std::uint64_t> chunk;

    [[nodiscard]] bool is_task() const noexcept { return !chunk_folder.empty(); }
    [[nodiscard]] bool is_asked() const noexcept { return is_task() || !folder.empty(); }
};

/// --slurm DIR and what belongs to it; --chunk-folder and --chunk, which only our own scripts use, are not in --help.
void add_slurm_options(CLI::App& command, SlurmCliOptions& options);

/// What the verb knows about its search.
struct SlurmSearch {
    std::string target_identity;
    std::string keyspace_identity;
    std::vector<std::string> targets; ///< names, one a footer
    std::uint64_t total{};            ///< candidates of the keyspace
    std::uint64_t begin{};            ///< [begin, end) of them are searched
    std::uint64_t end{};
    double rate{}; ///< candidates a second of one task; not looked at in a task
};

/// Exit codes of crack that a search on Slurm ends in.
enum class SlurmExit : int {
    found = 0,
    exhausted = 1,
    goes_on = 3, ///< hashcat's "at checkpoint": ask again later
    stuck = 255, ///< hashcat's -1
};

/// The command line of this process as a task's: the program by its full path, without the options of --slurm.
/// Errors: io.
[[nodiscard]] Result<std::vector<std::string>> this_task_command();
/// The same of given words.
[[nodiscard]] std::vector<std::string> task_command(std::vector<std::string> words, const std::string& program);

/// --slurm DIR: cuts the search and submits it, or joins the one that is there; with --slurm-watch stays until it is
/// over.  Sets the exit code.  Errors: those of rescue::make_chunk_folder and rescue::tend_slurm.
Result<> submit_slurm(const SlurmCliOptions& options, const SlurmSearch& search, Session& session);

/// --slurm DIR --slurm-status: needs the folder alone, so ask before anything is opened.  Sets the exit code.
Result<> show_slurm(const SlurmCliOptions& options, Session& session);

/// --chunk-folder DIR --chunk N: one task.  Refuses a search that is not the folder's (a word list that was changed).
/// Sets the exit code: 0 when nothing is left to do for this chunk, 3 when it was stopped and will be run again.
Result<> run_slurm_task(const SlurmCliOptions& options, const SlurmSearch& search, const rescue::RunRange& run_range,
                        Session& session);

} // namespace salvage::cli
