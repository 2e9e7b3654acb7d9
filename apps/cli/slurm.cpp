// crack … --slurm DIR: options in, a folder tended, a report out.
#include "slurm.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"
#include "salvage/render/slurm.hpp"
#include "salvage/rescue/potfile.hpp"

namespace salvage::cli {
namespace {

namespace fs = std::filesystem;

// Options of ours that a task does not get, and whether a word follows.
struct OwnOption {
    std::string_view name;
    bool has_value;
};
constexpr std::array own_options{
    OwnOption{"--slurm", true},           OwnOption{"--slurm-status", false}, OwnOption{"--slurm-watch", false},
    OwnOption{"--slurm-partition", true}, OwnOption{"--slurm-time", true},    OwnOption{"--slurm-mem", true},
    OwnOption{"--slurm-cpus", true},      OwnOption{"--slurm-gpus", true},    OwnOption{"--slurm-args", true},
    OwnOption{"--slurm-minutes", true},   OwnOption{"--slurm-chunk", true},   OwnOption{"--slurm-array-size", true}};

// How often a watcher looks.  Slurm's controller serves thousands; a machine is given up after minutes.
constexpr std::chrono::seconds watch_interval{10};
constexpr std::chrono::milliseconds look_interval{50};

Result<fs::path> full_path(const std::string& path)
{
    std::error_code problem;
    auto out = fs::absolute(path, problem).lexically_normal();
    return problem ? Result<fs::path>{from_errno(problem.value(), "the folder cannot be named", path)} : out;
}

/// What was said now goes over what was said when the search was started.
rescue::SlurmOptions merged(rescue::SlurmOptions out, const SlurmCliOptions& said)
{
    const auto take = [](std::string& into, const std::string& from) { into = from.empty() ? into : from; };
    take(out.partition, said.partition);
    take(out.time_limit, said.time_limit);
    take(out.memory, said.memory);
    out.cpus = said.cpus.value_or(out.cpus);
    out.gpus = said.gpus.value_or(out.gpus);
    out.array_size = said.array_size.value_or(out.array_size);
    out.further = said.further.empty() ? out.further : said.further;
    return out;
}

SlurmExit exit_of(rescue::SlurmSearchState state)
{
    switch (state) {
    case rescue::SlurmSearchState::searching: return SlurmExit::goes_on;
    case rescue::SlurmSearchState::found: return SlurmExit::found;
    case rescue::SlurmSearchState::exhausted: return SlurmExit::exhausted;
    case rescue::SlurmSearchState::stuck: return SlurmExit::stuck;
    }
    return SlurmExit::stuck;
}

void show(const rescue::SlurmReport& report, Session& session)
{
    if (session.is_json) {
        session.print(render::json(report));
        return;
    }
    for (const auto& hit : report.progress.hits) {
        session.print(rescue::format_pot_line(printable(hit.target), as_bytes(hit.secret)));
    }
    session.say(render::text(report, session.err_style()));
}

void wait(std::chrono::milliseconds time, const RunContext& context)
{
    for (auto waited = std::chrono::milliseconds{0}; waited < time && !context.is_stopped(); waited += look_interval) {
        std::this_thread::sleep_for(look_interval);
    }
}

Result<> tend(const SlurmCliOptions& options, const rescue::ChunkFolder& folder, Session& session)
{
    const auto context = session.context();
    const auto wanted = merged(SALVAGE_TRY(rescue::load_slurm_options(folder)), options);
    SALVAGE_TRY(rescue::save_slurm_options(folder, wanted));
    const auto runner = rescue::make_command_runner();
    auto report = SALVAGE_TRY(rescue::tend_slurm(folder, wanted, *runner, context));
    while (options.is_watched && report.state == rescue::SlurmSearchState::searching && !context.is_stopped()) {
        session.say(render::text(report, session.err_style()));
        wait(watch_interval, context);
        auto next = rescue::tend_slurm(folder, wanted, *runner, context);
        if (next.has_value()) {
            report = std::move(*next);
        } else if (next.error().code != ErrorCode::already_exists) {
            return std::move(next).error();
        } // else another one looks after it at this moment, and that is as good
    }
    show(report, session);
    session.finish(static_cast<int>(exit_of(report.state)));
    return {};
}

/// A task whose word list was changed would try other candidates under the same numbers; one that calls its targets by
/// other names would make hits known that nobody waits for.
Result<> check_same_search(const rescue::ChunkJob& job, const SlurmSearch& search)
{
    const bool is_same = job.target_identity == search.target_identity &&
                         job.keyspace_identity == search.keyspace_identity && job.total == search.total &&
                         job.targets == search.targets;
    if (is_same) {
        return {};
    }
    return Error{
        ErrorCode::mismatch,
        "this task would search something else than the others",
        fmt::format("the folder's search: {} / {}; this one: {} / {}", job.target_identity, job.keyspace_identity,
                    search.target_identity, search.keyspace_identity),
        std::nullopt,
        "a footer, word list or rule file was changed since the search was started; put it back, or start anew",
        {}};
}

std::string sentence_of(const rescue::ChunkReport& report, std::uint64_t chunk)
{
    switch (report.end) {
    case rescue::ChunkEnd::committed: return fmt::format("chunk {} is done, in its life {}\n", chunk, report.attempt);
    case rescue::ChunkEnd::already_done:
        return report.standing ? fmt::format("chunk {} was done already, by {} in life {}\n", chunk,
                                             printable(report.standing->writer.host), report.standing->writer.attempt)
                               : fmt::format("chunk {} was done already\n", chunk);
    case rescue::ChunkEnd::not_needed: return fmt::format("chunk {} is not needed: everything is found\n", chunk);
    case rescue::ChunkEnd::stopped: return fmt::format("chunk {} was stopped; it goes on from its checkpoint\n", chunk);
    }
    return {};
}

} // namespace

void add_slurm_options(CLI::App& command, SlurmCliOptions& options)
{
    auto* const group = command.add_option_group("Slurm", "a search carried by an existing cluster");
    group->add_option("--slurm", options.folder,
                      "submit the search as job arrays; DIR is on a file system that all machines share");
    group->add_flag("--slurm-status", options.is_status,
                    "with --slurm DIR alone: how it stands; submits again what was lost, ends the rest after a hit");
    group->add_flag("--slurm-watch", options.is_watched, "stay, and look after it until it is over");
    group->add_option("--slurm-partition", options.partition, "partition to run in");
    group->add_option("--slurm-time", options.time_limit, "time limit of a task, in Slurm's form");
    group->add_option("--slurm-mem", options.memory, "memory of a task, in Slurm's form");
    group->add_option("--slurm-cpus", options.cpus, "cores of a task (default: 1)")->check(CLI::PositiveNumber);
    group->add_option("--slurm-gpus", options.gpus, "GPUs of a task, as gres");
    group->add_option("--slurm-minutes", options.task_minutes, "how long a task is to take, about")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    group->add_option("--slurm-chunk", options.chunk_length, "candidates of a task, instead of minutes")
        ->check(CLI::PositiveNumber);
    group
        ->add_option("--slurm-array-size", options.array_size,
                     "tasks of one array (default: 1000, which every Slurm takes)")
        ->check(CLI::PositiveNumber);
    group->add_option("--slurm-args", options.further, "an option more for sbatch, as it is (repeatable)")
        ->allow_extra_args(false);
    group->add_option("--chunk-folder", options.chunk_folder)->group("");
    group->add_option("--chunk", options.chunk)->group("");
}

std::vector<std::string> task_command(std::vector<std::string> words, const std::string& program)
{
    std::vector<std::string> out{program};
    for (std::size_t i = 1; i < words.size(); ++i) {
        const auto name = std::string_view{words[i]}.substr(0, words[i].find('='));
        const auto* const own = std::ranges::find(own_options, name, &OwnOption::name);
        if (own == own_options.end()) {
            out.push_back(std::move(words[i]));
            continue;
        }
        const bool is_in_next_word = own->has_value && name.size() == words[i].size();
        i += is_in_next_word ? 1U : 0U;
    }
    return out;
}

Result<std::vector<std::string>> this_task_command()
{
    std::error_code problem;
    const auto program = fs::read_symlink("/proc/self/exe", problem);
    std::ifstream file{"/proc/self/cmdline", std::ios::binary};
    std::vector<std::string> words;
    for (std::string word; std::getline(file, word, '\0');) {
        words.push_back(std::move(word));
    }
    if (problem || words.empty()) {
        return from_errno(problem ? problem.value() : EIO, "this program's own command line cannot be read", "/proc");
    }
    return task_command(std::move(words), program.string());
}

Result<> submit_slurm(const SlurmCliOptions& options, const SlurmSearch& search, Session& session)
{
    const auto path = SALVAGE_TRY(full_path(options.folder));
    const auto task_time = std::chrono::duration<double>{options.task_minutes * 60};
    const auto planned = options.chunk_length
                             ? Result<std::uint64_t>{*options.chunk_length}
                             : rescue::plan_chunk_length(search.end - search.begin, search.rate, task_time);
    if (!planned.has_value()) {
        return planned.error();
    }
    std::error_code ignored;
    auto command = SALVAGE_TRY(this_task_command());
    const rescue::ChunkJob job{.target_identity = search.target_identity,
                               .keyspace_identity = search.keyspace_identity,
                               .targets = search.targets,
                               .total = search.total,
                               .begin = search.begin,
                               .end = search.end,
                               .chunk_length = *planned,
                               .command = std::move(command),
                               .folder = fs::current_path(ignored),
                               .version = SALVAGE_VERSION};
    const auto folder = SALVAGE_TRY(rescue::make_chunk_folder(path, job));
    session.say(fmt::format("{} chunks of {} candidates in {}\n", format_count(rescue::chunk_count(folder.job)),
                            format_count(folder.job.chunk_length), path.string()));
    return tend(options, folder, session);
}

Result<> show_slurm(const SlurmCliOptions& options, Session& session)
{
    const auto path = SALVAGE_TRY(full_path(options.folder));
    const auto folder = SALVAGE_TRY(rescue::open_chunk_folder(path));
    return tend(options, folder, session);
}

Result<> run_slurm_task(const SlurmCliOptions& options, const SlurmSearch& search, const rescue::RunRange& run_range,
                        Session& session)
{
    if (!options.chunk) {
        return invalid_argument("a task needs the number of its chunk", "--chunk is missing");
    }
    const auto path = SALVAGE_TRY(full_path(options.chunk_folder));
    const auto folder = SALVAGE_TRY(rescue::open_chunk_folder(path));
    SALVAGE_TRY(check_same_search(folder.job, search));
    const auto context = session.context();
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing here changes the environment.
    const auto self = rescue::slurm_self([](const char* name) -> const char* { return std::getenv(name); });
    rescue::ChunkTask task;
    if (self) {
        task.host = self->node_name;
        task.carrier = fmt::format("slurm {}_{}", self->array_id, self->task_id);
    }
    const auto report = SALVAGE_TRY(rescue::run_chunk(folder, *options.chunk, run_range, task, context));
    session.say(sentence_of(report, *options.chunk));
    session.finish(static_cast<int>(report.end == rescue::ChunkEnd::stopped ? SlurmExit::goes_on : SlurmExit::found));
    if (report.end == rescue::ChunkEnd::stopped && self) {
        // Not with the task's own context: that is stopped already.
        const auto runner = rescue::make_command_runner(std::chrono::seconds{20});
        SALVAGE_TRY(rescue::requeue_self(*self, *runner, RunContext{}));
    }
    return {};
}

} // namespace salvage::cli
