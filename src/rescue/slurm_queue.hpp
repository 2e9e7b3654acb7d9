// Inside rescue: Slurm's programs asked and understood.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rescue/slurm_submission.hpp"
#include "salvage/rescue/slurm.hpp"

namespace salvage::rescue {

/// A line of squeue.
struct QueueLine {
    std::string array_id;
    std::uint64_t index{};
    std::string job_name;
    std::string state; ///< "PENDING"
    std::string reason;
    std::string node;
    bool operator==(const QueueLine&) const = default;
};

/// What `squeue --format=%F|%K|%j|%T|%r|%N` printed.  Lines that are none of ours are passed over: sites print mottos.
[[nodiscard]] std::vector<QueueLine> parse_queue(std::string_view text);

/// The array id that `sbatch --parsable` printed: "17", or "17;cluster" on its last line.  Errors: malformed.
[[nodiscard]] Result<std::string> parse_submitted_id(std::string_view text);

/// A program that has to succeed.  Errors: refused (its exit code and words), those of the runner.
Result<std::string> ask_slurm(CommandRunner& runner, const std::vector<std::string>& command,
                              const RunContext& context);

/// Tasks of the submissions that are not ended.  Errors: as ask_slurm.
[[nodiscard]] Result<std::vector<QueueLine>> read_queue(const std::vector<SlurmSubmission>& submissions,
                                                        CommandRunner& runner, const RunContext& context);

/// sbatch's command line for a submission.
[[nodiscard]] std::vector<std::string> sbatch_command(const ChunkFolder& folder, const SlurmSubmission& submission,
                                                      const SlurmOptions& options);

} // namespace salvage::rescue
