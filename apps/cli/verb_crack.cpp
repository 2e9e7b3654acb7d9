// crack: recover the PIN, pattern or password.  hashcat's exit codes: 0 all found, 1 exhausted, 2 stopped, 3 stopped at
// a checkpoint, 4 out of time.
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include <unistd.h>

#include <fmt/format.h>

#include "crack_command.hpp"
#include "recorded.hpp"
#include "restart.hpp"
#include "verbs.hpp"

namespace salvage::cli {

std::vector<rescue::SearchSubject> subjects_of(const Targets& targets)
{
    std::vector<rescue::SearchSubject> out;
    std::ranges::transform(targets, std::back_inserter(out), &rescue::CrackTarget::subject);
    return out;
}

namespace {

Result<Targets> open_targets(const CrackOptions& options, const rescue::OpenRequest& open_request,
                             const RunContext& context)
{
    const auto which = options.all_footers ? rescue::FootersOf::dump_all : rescue::FootersOf::dump_best;
    auto out = SALVAGE_TRY(rescue::crack_targets(options.dump.request(), open_request, which, context));
    for (const auto& path : options.also) {
        rescue::DumpRequest request;
        request.path = path;
        auto more = SALVAGE_TRY(rescue::crack_targets(request, open_request, which, context).in("opening " + path));
        std::ranges::move(more, std::back_inserter(out));
    }
    return out;
}

/// Cores of a task: what Slurm gave this one, or what is going to be asked for.
unsigned slurm_threads(const SlurmCliOptions& options)
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing here changes the environment.
    const char* const given = std::getenv("SLURM_CPUS_PER_TASK");
    const std::string_view text{options.is_task() && given != nullptr ? given : ""};
    unsigned cores = 0;
    std::from_chars(text.data(), text.data() + text.size(), cores); // 0 where there is no number
    return cores != 0 ? cores : options.cpus.value_or(1);
}

/// With no attack named the owner's plan is made; with one, only what was named is tried.
Result<rescue::SearchRequest> search_request(const CrackOptions& options, std::vector<rescue::GivenSecret> secrets,
                                             const RunContext& context)
{
    rescue::SearchRequest out;
    const auto spec = SALVAGE_TRY(options.attack.spec());
    out.secrets = std::move(secrets);
    out.check = options.also_footer ? rescue::PasswordCheck::all : rescue::PasswordCheck::listed;
    out.devices = SALVAGE_TRY(options.devices.request());
    if (options.slurm.is_asked() && out.devices.threads == 0) {
        out.devices.threads = slurm_threads(options.slurm); // what a task has, here too: its time is measured
    }
    if (!spec.is_empty()) {
        out.attacks = SALVAGE_TRY(rescue::make_attacks(spec, STDIN_FILENO, context));
    }
    out.try_default_password = spec.is_empty();
    return out;
}

/// Before hours of searching rather than after.
Result<> check_key_out(const CrackOptions& options, std::size_t targets)
{
    if (options.key_out.empty()) {
        return {};
    }
    if (targets > 1) {
        return invalid_argument("--key-out is for one footer", fmt::format("{} are searched", targets));
    }
    if (!std::filesystem::exists(options.key_out)) {
        return {};
    }
    return Error{ErrorCode::already_exists,
                 fmt::format("{} exists and is not overwritten", options.key_out),
                 {},
                 std::nullopt,
                 "name another file with --key-out",
                 {}};
}

Outputs outputs(const CrackOptions& options)
{
    Outputs out{std::vector<rescue::RunOutput>{}}; // a search is told of, even if it writes nothing
    if (!options.key_out.empty()) {
        out->push_back({.path = options.key_out, .is_secret = true});
    }
    return out;
}

Result<> search(const CrackOptions& options, const Targets& targets, rescue::SearchRequest request,
                const RunContext& context, Session& session)
{
    const auto plan = SALVAGE_TRY(rescue::plan_search(subjects_of(targets), request, context));
    if (options.slurm.is_asked()) {
        return run_elsewhere(options, targets, plan, request, session);
    }
    const auto here = [&] { return run_here(options, targets, plan, request, context, session); };
    // Chunks of one search run side by side; whoever hands them out keeps the record.
    return options.is_chunk() ? here() : run_recorded(session, options.dump.dump, outputs(options), here);
}

Result<> run_crack(const CrackOptions& options, Session& session)
{
    if (options.is_restore && options.dump.dump.empty()) {
        return restart_from(options.session);
    }
    if (options.slurm.is_status) {
        return show_slurm(options.slurm, session);
    }
    if (options.dump.dump.empty()) {
        return invalid_argument("nothing to search", "no dump, footer or hash file is named");
    }
    // An agent takes every word on standard error for a failure.
    session.is_quiet = session.is_quiet || (options.is_chunk() && !session.is_json);
    const auto context = session.context();
    auto open_request = SALVAGE_TRY(options.secret.request(session));
    auto targets = SALVAGE_TRY(open_targets(options, open_request, context));
    SALVAGE_TRY(check_key_out(options, targets.size()));
    const auto all = targets.size();
    // A report tells of a search; and a chunk is searched whatever is known, because somebody counts on it.
    const bool is_looked_up =
        !options.is_keyspace_asked && !options.slurm.is_asked() && !options.is_chunk() && !session.is_json;
    if (is_looked_up) {
        SALVAGE_TRY(take_known(options, targets, session));
    }
    if (options.is_show || targets.empty()) {
        session.finish(static_cast<int>(targets.size() < all ? CrackExit::found : CrackExit::exhausted));
        return {};
    }
    auto request = SALVAGE_TRY(search_request(options, std::move(open_request.secrets), context));
    if (options.is_keyspace_asked) {
        rescue::CrackPlan plan;
        plan.steps = SALVAGE_TRY(rescue::plan_steps(&targets.front().subject.unlocker->footer(), request, context));
        session.print(fmt::format("{}\n", plan.candidates()));
        return {};
    }
    return search(options, targets, std::move(request), context, session);
}

void add_running(CLI::App& command, CrackOptions& options)
{
    auto* const group = command.add_option_group("Running");
    group
        ->add_option("--session", options.session,
                     "file that keeps how far the search is (default: salvage-….session, one for each search)")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    group->add_flag("--restore", options.is_restore,
                    "only go on with a session that exists; with --session alone: with its command line");
    group->add_option("-s,--skip", options.skip, "skip so many candidates");
    group->add_option("-l,--limit,--length", options.limit,
                      "try at most so many; together with -s, standard output is what a Hashtopolis agent reads");
    group->add_flag("--keyspace", options.is_keyspace_asked, "print the number of candidates and end");
    group->add_option("--runtime,--timeout", options.runtime_seconds,
                      "stop after so many seconds of searching; exit code 4");
    group->add_flag("--status", options.is_status, "a status line from time to time");
    group->add_flag("--status-json", options.is_status_json,
                    "the same on standard output as JSON, with hashcat's keys");
    group->add_option("--status-timer", options.status_seconds, "seconds between status lines")->capture_default_str();
    options.devices.add_to(*group);
}

void add_keeping(CLI::App& command, CrackOptions& options)
{
    auto* const group = command.add_option_group("What is kept");
    group->add_option("--key-out", options.key_out, "write the volume key to this file, mode 0600");
    group->add_option("--potfile-path", options.potfile,
                      "file that keeps secrets found (default: ~/.local/share/salvage/salvage.potfile)");
    group->add_flag("--potfile-disable", options.is_potfile_disabled, "keep none and look none up");
    group->add_flag("--show", options.is_show, "only print what the potfile knows");
}

} // namespace

void add_crack(CLI::App& app, Session& session)
{
    auto& command =
        verb(app, "crack", "recover the PIN, pattern or password; stops with Ctrl-C and goes on with the same command",
             "salvage crack phone.img\n  salvage crack phone.img --pin 4-6\n  salvage crack footer.bin --grid 3\n  "
             "salvage crack phone.img words.txt.gz -r best64.rule\n  salvage crack hashes.txt -a 3 '?u?l?l?l?d?d'");
    const auto options = std::make_shared<CrackOptions>();
    options->dump.add_to(command);
    command.get_option("dump")->required(false);
    command
        .add_option("--also", options->also, "search for this dump's, footer's or hash file's secret, too (repeatable)")
        ->allow_extra_args(false);
    command.add_flag("--all-footers", options->all_footers,
                     "every footer of a dump that can be tried, not the best alone");
    options->attack.add_to(command);
    options->secret.add_to(command);
    add_running(command, *options);
    add_slurm_options(command, options->slurm);
    add_keeping(command, *options);
    command.add_flag("--check-footer", options->also_footer,
                     "also ask the footer's own check value: finds the secret where footer and userdata do not belong "
                     "together; slower");
    add_output_options(command, session);
    command.callback([&session, options] {
        if (auto list = options->attack.take_hash_list()) {
            // What stands first is the hash list's place; here it is a word of the attack.
            if (!options->dump.dump.empty()) {
                options->attack.words.insert(options->attack.words.begin(), options->dump.dump);
            }
            options->dump.dump = std::move(*list);
        }
        if (const auto done = run_crack(*options, session); !done.has_value()) {
            session.fail(done.error());
            const bool means_something_else = session.exit_code() <= static_cast<int>(CrackExit::out_of_time);
            session.finish(means_something_else ? static_cast<int>(CrackExit::failed) : session.exit_code());
        }
    });
}

} // namespace salvage::cli
