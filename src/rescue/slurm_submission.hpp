// Inside rescue: what was submitted to Slurm, written down before and after.  docs/formats/chunk-folder.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/owned_descriptor.hpp"
#include "salvage/rescue/slurm.hpp"

namespace salvage::rescue {

/// Submissions that are looked through; each is an array of up to a thousand chunks.
inline constexpr std::uint64_t max_submissions = 10'000;
/// Largest index of a task in an array; Slurm's own limit is 4 million.
inline constexpr std::uint64_t max_array_size = 4'000'001;

enum class SubmissionState : std::uint8_t {
    planned,   ///< written down; whether sbatch was asked is not known
    submitted, ///< Slurm has taken it
    ended,     ///< nothing of it is in the queue any more
};
/// One array.  The task with index i runs chunk base + i.
struct SlurmSubmission {
    std::uint64_t number{};
    std::string job_name; ///< like no other's: the queue is searched for it
    std::uint64_t base{};
    std::vector<std::uint64_t> indices; ///< ascending
    SubmissionState state{SubmissionState::planned};
    std::string slurm_id; ///< of the array; empty while it is not known
    bool operator==(const SlurmSubmission&) const = default;
};

/// "0-9,12": ascending numbers as sbatch --array takes them.
[[nodiscard]] std::string format_indices(const std::vector<std::uint64_t>& indices);
/// Errors: malformed (not ascending, over max_array_size).
[[nodiscard]] Result<std::vector<std::uint64_t>> parse_indices(std::string_view text);

[[nodiscard]] std::string format_submission(const SlurmSubmission& submission);
/// Errors: malformed, unsupported.
[[nodiscard]] Result<SlurmSubmission> parse_submission(std::string_view text);

/// All that are written down, by number.  Errors: malformed, io.
[[nodiscard]] Result<std::vector<SlurmSubmission>> read_submissions(const ChunkFolder& folder);
/// Replaces its file in one step.  Errors: io, no_space.
Result<> write_submission(const ChunkFolder& folder, const SlurmSubmission& submission);

/// "salvage-3f2a9c01d2e4-7".
[[nodiscard]] std::string submission_name(const ChunkFolder& folder, std::uint64_t number);
[[nodiscard]] std::filesystem::path script_path(const ChunkFolder& folder, std::uint64_t number);

/// Keeps other runs from submitting, as long as it lives.  Where the file system knows no locks there is none; two
/// runs then may submit a chunk twice, which costs time and counts once.  Errors: already_exists, io.
[[nodiscard]] Result<OwnedDescriptor> lock_submissions(const ChunkFolder& folder);

} // namespace salvage::rescue
