// crack: recover the PIN, pattern or password.  hashcat's exit codes: 0 all found, 1 exhausted, 2 stopped, 3 stopped at
// a checkpoint, 4 out of time.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include <unistd.h>

#include <fmt/format.h>

#include "crack_options.hpp"
#include "options.hpp"
#include "restart.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/render/hashtopolis.hpp"
#include "salvage/rescue/crack.hpp"
#include "salvage/rescue/potfile.hpp"
#include "search_watch.hpp"
#include "slurm.hpp"
#include "verbs.hpp"

namespace salvage::cli {
namespace {

struct CrackOptions {
    DumpOptions dump;
    SecretOptions secret;
    AttackOptions attack;
    DeviceOptions devices;
    SlurmCliOptions slurm;
    std::vector<std::string> also;
    bool all_footers{false};
    std::string session;
    std::string key_out;
    std::string potfile;
    std::optional<unsigned> runtime_seconds;
    unsigned status_seconds{10};
    std::optional<std::uint64_t> skip;
    std::optional<std::uint64_t> limit;
    bool is_potfile_disabled{false};
    bool is_show{false};
    bool is_status{false};
    bool is_status_json{false};
    bool also_footer{false};
    bool is_restore{false};
    bool is_keyspace_asked{false};

    /// A range with both ends is what a Hashtopolis agent asks for, and its lines are what it reads.
    [[nodiscard]] bool is_chunk() const noexcept { return skip && limit; }
};

/// An error whose own exit code means something else here ends in hashcat's -1.
enum class CrackExit : int { found = 0, exhausted = 1, stopped = 2, at_checkpoint = 3, out_of_time = 4, failed = 255 };

using Targets = std::vector<rescue::CrackTarget>;

std::vector<rescue::SearchSubject> subjects_of(const Targets& targets)
{
    std::vector<rescue::SearchSubject> out;
    std::ranges::transform(targets, std::back_inserter(out), &rescue::CrackTarget::subject);
    return out;
}

// ---- what is searched for

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

/// With no attack named the owner's plan is made; with one, only what was named is tried.
Result<rescue::SearchRequest> search_request(const CrackOptions& options, std::vector<rescue::GivenSecret> secrets,
                                             const RunContext& context)
{
    rescue::SearchRequest out;
    const auto spec = SALVAGE_TRY(options.attack.spec());
    out.secrets = std::move(secrets);
    out.check = options.also_footer ? rescue::PasswordCheck::all : rescue::PasswordCheck::listed;
    out.devices = SALVAGE_TRY(options.devices.request());
    if (!spec.is_empty()) {
        out.attacks = SALVAGE_TRY(rescue::make_attacks(spec, STDIN_FILENO, context));
    }
    out.try_default_password = spec.is_empty();
    return out;
}

// ---- the potfile

std::filesystem::path potfile_of(const CrackOptions& options)
{
    if (options.is_potfile_disabled) {
        return {};
    }
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing here changes the environment.
    const auto get = [](const char* name) { return std::getenv(name); };
    return options.potfile.empty() ? rescue::default_potfile(get) : std::filesystem::path{options.potfile};
}

std::string hit_line(const rescue::CrackTarget& target, ByteView secret)
{
    return rescue::format_pot_line(target.hash, secret);
}

/// A secret with the key it opens.
struct KnownSecret {
    SecretBytes secret;
    SecretBytes key;
};

/// A secret of the potfile that opens the target: what another file of the same name left there does not.
Result<std::optional<KnownSecret>> known_secret(const rescue::CrackTarget& target, const std::filesystem::path& potfile)
{
    for (auto& secret : SALVAGE_TRY(rescue::find_in_potfile(potfile, target.hash))) {
        auto judged = SALVAGE_TRY(rescue::judge_secret(target.subject, secret.expose()));
        if (judged.judgement == rescue::CandidateJudgement::opens) {
            return std::optional{KnownSecret{.secret = std::move(secret), .key = std::move(judged.key)}};
        }
    }
    return std::optional<KnownSecret>{};
}

Result<> write_key(const CrackOptions& options, const SecretBytes& key, Session& session)
{
    if (options.key_out.empty()) {
        return {};
    }
    if (key.is_empty()) {
        session.say("No volume key was written: none is proven.\n");
        return {};
    }
    return io::write_file_atomically(options.key_out, key.expose(), io::Existing::refuse, 0600)
        .in("writing the volume key");
}

/// Prints those that are known and takes them out.
Result<> take_known(const CrackOptions& options, Targets& targets, Session& session)
{
    const auto potfile = potfile_of(options);
    if (potfile.empty()) {
        return {};
    }
    Targets left;
    for (auto& target : targets) {
        const auto known = SALVAGE_TRY(known_secret(target, potfile));
        if (!known) {
            left.push_back(std::move(target));
            continue;
        }
        session.say(fmt::format("{} is known from {}\n", printable(target.name), potfile.string()));
        session.print(hit_line(target, known->secret.expose()));
        SALVAGE_TRY(write_key(options, known->key, session));
    }
    targets = std::move(left);
    return {};
}

// ---- running

/// The session's file: as named, or one that belongs to this search alone.
Result<std::filesystem::path> session_file(const CrackOptions& options, const Targets& targets,
                                           const rescue::CrackPlan& plan, const rescue::SearchRequest& request,
                                           const rescue::SearchRun& run)
{
    std::filesystem::path file = options.session;
    if (file.empty()) {
        file = SALVAGE_TRY(rescue::session_name(subjects_of(targets), plan.steps, request, run));
    }
    if (options.is_restore && !std::filesystem::exists(file)) {
        return not_found("there is no session to go on with", file.string(), "leave out --restore to begin");
    }
    return file;
}

int exit_of(const rescue::SearchReport& report, render::SearchPhase stopped_by)
{
    const bool is_mismatch = !report.found.empty() &&
                             std::ranges::all_of(report.found, [](const auto& hit) { return hit.is_for_footer_only; });
    if (is_mismatch) {
        return static_cast<int>(Exit::mismatch);
    }
    if (report.end == password::SearchEnd::found) {
        return static_cast<int>(CrackExit::found);
    }
    if (report.end == password::SearchEnd::exhausted) {
        return static_cast<int>(CrackExit::exhausted);
    }
    switch (stopped_by) {
    case render::SearchPhase::out_of_time: return static_cast<int>(CrackExit::out_of_time);
    case render::SearchPhase::at_checkpoint: return static_cast<int>(CrackExit::at_checkpoint);
    default: return static_cast<int>(CrackExit::stopped);
    }
}

void say_plan(const rescue::CrackPlan& plan, const rescue::SearchRun& run, Session& session)
{
    for (const auto& step : plan.steps) {
        if (step.keyspace->is_open_ended()) {
            session.say(fmt::format("{}: until it ends\n", step.name));
            continue;
        }
        session.say(fmt::format("{}: {} candidates, {} at most\n", step.name, format_count(step.keyspace->size().value),
                                format_duration(std::chrono::duration<double>{step.seconds})));
    }
    session.say(fmt::format("{:.1f} candidates a second; {}\n", plan.rate, plan.devices));
    session.say(fmt::format("Ctrl-C stops; the same command goes on from {}\n", run.session_file->string()));
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

/// One search with everything around it.
class Running {
public:
    Running(const CrackOptions& options, const Targets& targets, const rescue::CrackPlan& plan,
            const rescue::SearchRequest& request, Session& session)
        : options_{&options}, targets_{&targets}, plan_{&plan}, request_{&request}, session_{&session},
          potfile_{potfile_of(options)}
    {
    }

    Result<> run(rescue::SearchRun run, const RunContext& context)
    {
        const auto& clock = *context.clock;
        if (options_->is_chunk() && !session_->is_json) {
            lines_.emplace(*options_->limit, [this](std::string_view line) {
                session_->print(std::string{line});
                return Result<>{};
            });
        }
        SearchWatch watch{context, watch_options(clock), first_status(run)};
        run.on_found = [&](const password::Found& found) {
            watch.note_found();
            return tell(found, clock.now());
        };
        run.is_paused = [&watch] { return watch.is_paused(); };
        run.on_state = [&](const password::SearchState& state) { watch.note_state(state); };
        const auto subjects = subjects_of(*targets_);
        const auto report = SALVAGE_TRY(rescue::run_search(subjects, *plan_, *request_, run, watch.over(context)));
        SALVAGE_TRY(finish_lines(report, clock.now()));
        if (session_->is_json) {
            session_->print(render::json(report));
        } else {
            session_->say(render::text(report, session_->err_style()));
        }
        if (!report.found.empty()) {
            SALVAGE_TRY(write_key(*options_, report.found.front().master_key, *session_));
        }
        const bool was_told_to_end =
            report.end == password::SearchEnd::stopped && watch.stopped_by() != render::SearchPhase::out_of_time;
        session_->finish(is_benchmark() && !was_told_to_end ? static_cast<int>(CrackExit::found)
                                                            : exit_of(report, watch.stopped_by()));
        return {};
    }

private:
    /// An agent measures with a range and a time limit, and takes any other exit code than 0 for a failure.
    [[nodiscard]] bool is_benchmark() const noexcept { return lines_ && options_->runtime_seconds; }

    [[nodiscard]] render::SearchStatus first_status(const rescue::SearchRun& run) const
    {
        render::SearchStatus out;
        out.session = run.session_file->string();
        out.target = targets_->front().name;
        out.devices = plan_->devices;
        out.targets = targets_->size();
        out.begin = run.skip;
        if (!plan_->steps.back().keyspace->is_open_ended()) {
            out.end = plan_->candidates();
        }
        return out;
    }

    /// The engine's progress comes several times a second: the lines decide themselves when one is due.
    WatchOptions watch_options(const Clock& clock)
    {
        WatchOptions out;
        if (options_->runtime_seconds) {
            out.runtime = std::chrono::seconds{*options_->runtime_seconds};
        }
        out.status_interval = std::chrono::seconds{options_->status_seconds};
        out.say = [this](const std::string& text) { session_->say(text); };
        const auto named = [this](render::SearchStatus status) {
            status.attack = rescue::step_name_at(plan_->steps, status.next);
            return status;
        };
        out.on_key = [this, named](const render::SearchStatus& status) {
            session_->say(render::status_text(named(status)));
        };
        if (lines_) {
            out.status_interval = std::chrono::seconds{1};
            out.on_timer = [this, &clock](const render::SearchStatus& status) {
                ignore(lines_->progress(status.done, clock.now()), "nobody reads");
            };
        } else if (options_->is_status_json) {
            out.on_timer = [this, named](const render::SearchStatus& status) {
                session_->print(render::status_json(named(status)));
            };
        } else if (options_->is_status) {
            out.on_timer = out.on_key;
        }
        return out;
    }

    Result<> tell(const password::Found& found, std::chrono::nanoseconds now)
    {
        const auto& target = targets_->at(found.target);
        if (lines_) {
            SALVAGE_TRY(lines_->hit(target.hash, found.secret.expose(), now));
        } else if (!session_->is_json) {
            session_->print(hit_line(target, found.secret.expose()));
        }
        if (!potfile_.empty()) {
            // The secret is on the screen already: a potfile that cannot be written costs nothing more.
            if (const auto kept = rescue::add_to_potfile(potfile_, target.hash, found.secret.expose());
                !kept.has_value()) {
                session_->say(fmt::format("The secret was not kept in {}: {}\n", potfile_.string(), kept.error().why));
            }
        }
        return {};
    }

    Result<> finish_lines(const rescue::SearchReport& report, std::chrono::nanoseconds now)
    {
        if (!lines_) {
            return {};
        }
        const auto done = report.state.next - report.state.begin;
        return report.end == password::SearchEnd::stopped ? lines_->stop(done, now) : lines_->finish(done, now);
    }

    const CrackOptions* options_;
    const Targets* targets_;
    const rescue::CrackPlan* plan_;
    const rescue::SearchRequest* request_;
    Session* session_;
    std::filesystem::path potfile_;
    std::optional<render::HashtopolisLines> lines_;
};

// ---- beyond this machine

/// What a cluster is told of a search.  Both identities are one text here: it names footers and candidates.
Result<SlurmSearch> slurm_search(const CrackOptions& options, const Targets& targets, const rescue::CrackPlan& plan,
                                 const rescue::SearchRequest& request)
{
    const auto subjects = subjects_of(targets);
    const auto identity = SALVAGE_TRY(rescue::search_identity(subjects, plan.steps, request));
    const auto middle = identity.find('\n');
    SlurmSearch out;
    out.target_identity = identity.substr(0, middle);
    out.keyspace_identity = identity.substr(middle + 1);
    std::ranges::transform(targets, std::back_inserter(out.targets), &rescue::CrackTarget::hash);
    out.total = plan.candidates();
    out.begin = std::min(options.skip.value_or(0), out.total);
    out.end = out.begin + std::min(options.limit.value_or(out.total), out.total - out.begin);
    out.rate = plan.rate;
    return out;
}

Result<> submit(const CrackOptions& options, const Targets& targets, const rescue::CrackPlan& plan,
                const rescue::SearchRequest& request, Session& session)
{
    const auto search = SALVAGE_TRY(slurm_search(options, targets, plan, request));
    return submit_slurm(options.slurm, search, session);
}

rescue::RangeEnd range_end_of(password::SearchEnd end)
{
    switch (end) {
    case password::SearchEnd::found: return rescue::RangeEnd::all_hit;
    case password::SearchEnd::exhausted: return rescue::RangeEnd::exhausted;
    case password::SearchEnd::stopped: break;
    }
    return rescue::RangeEnd::stopped;
}

/// One chunk of a shared folder: an ordinary search of its range, with the folder's checkpoint as its session.
Result<> run_task(const CrackOptions& options, const Targets& targets, rescue::CrackPlan plan,
                  const rescue::SearchRequest& request, Session& session)
{
    const auto search = SALVAGE_TRY(slurm_search(options, targets, plan, request));
    const auto subjects = subjects_of(targets);
    const auto run_range = [&](const rescue::ChunkWork& work,
                               const RunContext& context) -> Result<rescue::ChunkOutcome> {
        rescue::SearchRun run;
        run.session_file = work.checkpoint;
        run.skip = work.range.begin;
        run.limit = work.range.length;
        const auto hit_of = [&](const password::Found& found) {
            return rescue::ChunkHit{.number = found.index,
                                    .target = targets.at(found.target).hash,
                                    .secret = std::string{as_text(found.secret.expose())},
                                    .encoding = found.encoding};
        };
        run.on_found = [&](const password::Found& found) { return work.publish(hit_of(found)); };
        const auto report = SALVAGE_TRY(rescue::run_search(subjects, plan, request, run, context));
        rescue::ChunkOutcome out;
        out.end = range_end_of(report.end);
        out.next = report.state.next;
        out.tried = report.tried;
        std::ranges::transform(report.found, std::back_inserter(out.hits),
                               [&](const auto& found) { return hit_of(found.found); });
        return out;
    };
    return run_slurm_task(options.slurm, search, run_range, session);
}

Result<> search(const CrackOptions& options, const Targets& targets, rescue::SearchRequest request,
                const RunContext& context, Session& session)
{
    const auto subjects = subjects_of(targets);
    auto plan = SALVAGE_TRY(rescue::plan_search(subjects, request, context));
    if (options.slurm.is_task()) {
        return run_task(options, targets, std::move(plan), request, session);
    }
    if (options.slurm.is_asked()) {
        return submit(options, targets, plan, request, session);
    }
    rescue::SearchRun run;
    run.skip = options.skip.value_or(0);
    run.limit = options.limit;
    run.command = session.command;
    run.session_file = SALVAGE_TRY(session_file(options, targets, plan, request, run));
    say_plan(plan, run, session);
    return Running{options, targets, plan, request, session}.run(std::move(run), context);
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
