// sbatch, squeue and scontrol: command lines, and what comes back.
#include "rescue/slurm_queue.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "rescue/chunk_files.hpp"
#include "rescue/chunk_folder.hpp"
#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

constexpr std::size_t queue_fields = 6;
constexpr std::string_view queue_format = "%F|%K|%j|%T|%r|%N";

std::string_view take_line(std::string_view& text)
{
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    return line;
}

std::optional<QueueLine> parse_queue_line(std::string_view line)
{
    std::array<std::string_view, queue_fields> fields;
    for (std::size_t i = 0; i < queue_fields; ++i) {
        const auto bar = i + 1 < queue_fields ? line.find('|') : line.size();
        if (bar == std::string_view::npos) {
            return std::nullopt;
        }
        fields.at(i) = line.substr(0, bar);
        line.remove_prefix(std::min(bar + 1, line.size()));
    }
    const auto index = number_named(fields[1]);
    if (!number_named(fields[0]) || !index || *index >= max_array_size || fields[3].empty()) {
        return std::nullopt;
    }
    return QueueLine{.array_id = std::string{fields[0]},
                     .index = *index,
                     .job_name = std::string{fields[2]},
                     .state = std::string{fields[3]},
                     .reason = std::string{fields[4]},
                     .node = std::string{fields[5]}};
}

/// The end of what a program complained of, in one line: Slurm says first what it tried, and last what came of it.
std::string last_words(std::string_view text)
{
    constexpr std::size_t most = 400;
    text = text.substr(text.size() - std::min(most, text.size()));
    std::string out;
    while (!text.empty()) {
        const auto line = take_line(text);
        out += out.empty() || line.empty() ? "" : "; ";
        out += printable(line);
    }
    return out;
}

/// Slurm replaces %-letters in the names of output files.
std::string literal(const std::filesystem::path& path)
{
    std::string out;
    for (const char c : path.native()) {
        out += c == '%' ? std::string{"%%"} : std::string{c};
    }
    return out;
}

} // namespace

std::vector<QueueLine> parse_queue(std::string_view text)
{
    std::vector<QueueLine> out;
    while (!text.empty()) {
        if (auto line = parse_queue_line(take_line(text))) {
            out.push_back(std::move(*line));
        }
    }
    return out;
}

Result<std::string> parse_submitted_id(std::string_view text)
{
    std::string_view last;
    for (auto rest = text; !rest.empty();) {
        const auto line = take_line(rest);
        last = line.empty() ? last : line;
    }
    const auto id = last.substr(0, last.find(';'));
    if (!number_named(id)) {
        return malformed(ByteOffset{0}, "sbatch did not say the number of the job",
                         fmt::format("it said \"{}\"", printable(last.substr(0, 80))));
    }
    return std::string{id};
}

namespace {

Error with_slurm_hint(Error error)
{
    switch (error.code) {
    case ErrorCode::not_found:
        return std::move(error).with_hint("run this on a machine that submits to Slurm (Debian package slurm-client)");
    case ErrorCode::timed_out:
        return std::move(error).with_hint(
            "look whether Slurm's controller is up (scontrol ping), then do the same again");
    default: return error;
    }
}

} // namespace

Result<std::string> ask_slurm(CommandRunner& runner, const std::vector<std::string>& command, const RunContext& context)
{
    auto asked = runner.run(command, context);
    if (!asked.has_value()) {
        return with_slurm_hint(std::move(asked).error());
    }
    auto& answer = *asked;
    if (answer.exit_code == 0) {
        return std::move(answer.out);
    }
    return Error{ErrorCode::refused,
                 fmt::format("{} said no", command.front()),
                 fmt::format("exit code {}: {}", answer.exit_code, last_words(answer.complaint)),
                 std::nullopt,
                 "see that Slurm is up (sinfo) and that it grants what was asked for",
                 {}};
}

Result<std::vector<QueueLine>> read_queue(const std::vector<SlurmSubmission>& submissions, CommandRunner& runner,
                                          const RunContext& context)
{
    std::string names;
    for (const auto& each : submissions) {
        if (each.state != SubmissionState::ended) {
            names += names.empty() ? "" : ",";
            names += each.job_name;
        }
    }
    if (names.empty()) {
        return std::vector<QueueLine>{};
    }
    // By name and not by number: a number that the queue has forgotten is an error there, a name is not.
    const auto text = SALVAGE_TRY(
        ask_slurm(runner,
                  {"squeue", "--noheader", "--array", "--name=" + names, fmt::format("--format={}", queue_format)},
                  context)
            .in("asking for the queue"));
    return parse_queue(text);
}

std::vector<std::string> sbatch_command(const ChunkFolder& folder, const SlurmSubmission& submission,
                                        const SlurmOptions& options)
{
    std::vector<std::string> out{
        "sbatch", "--parsable", "--requeue", "--open-mode=append",
        // The task hears of its time limit early enough to write a checkpoint.
        "--signal=B:TERM@90", "--job-name=" + submission.job_name, "--array=" + format_indices(submission.indices),
        fmt::format("--cpus-per-task={}", options.cpus), "--chdir=" + folder.job.folder.native(),
        "--output=" + literal(ChunkPaths{folder}.logs()) + "/%A_%a.log"};
    if (options.gpus > 0) {
        out.push_back(fmt::format("--gres=gpu:{}", options.gpus));
    }
    if (!options.partition.empty()) {
        out.push_back("--partition=" + options.partition);
    }
    if (!options.time_limit.empty()) {
        out.push_back("--time=" + options.time_limit);
    }
    if (!options.memory.empty()) {
        out.push_back("--mem=" + options.memory);
    }
    out.insert(out.end(), options.further.begin(), options.further.end());
    out.push_back(script_path(folder, submission.number).native());
    return out;
}

} // namespace salvage::rescue
