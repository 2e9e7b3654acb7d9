// crack: recover the PIN, pattern or password.  hashcat's exit codes: 0 found, 1 exhausted, 2 stopped, 4 out of time.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <stop_token>

#include <fmt/format.h>

#include "options.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/rescue/crack.hpp"
#include "verbs.hpp"

namespace salvage::cli {
namespace {

struct CrackOptions {
    DumpOptions dump;
    SecretOptions secret;
    std::string pin;
    std::optional<unsigned> grid;
    std::optional<unsigned> max_dots;
    std::vector<std::string> wordlists;
    std::string session;
    std::string key_out;
    std::optional<unsigned> runtime_seconds;
    rescue::SearchRun run;
    bool also_footer{false};
    bool is_restore{false};
    bool is_keyspace_asked{false};
};

/// 3, hashcat's "at checkpoint", does not come up: every stop here is at a checkpoint, and Ctrl-C is 2 as it is there.
/// An error whose own exit code means something else here ends in hashcat's -1.
enum class CrackExit : int { found = 0, exhausted = 1, stopped = 2, out_of_time = 4, failed = 255 };

/// Asks for a stop when the time is over or the session's own stop comes.  The engine tells progress several times a
/// second, which serves as the clock.
class Deadline final : public Progress {
public:
    Deadline(const RunContext& outer, std::optional<unsigned> seconds)
        : next_{outer.progress}, clock_{outer.clock}, forward_{outer.stop, Forward{&stop_}}
    {
        if (seconds) {
            end_ = clock_->now() + std::chrono::seconds{*seconds};
        }
    }
    void update(const ProgressUpdate& update) override
    {
        next_->update(update);
        if (end_ && clock_->now() >= *end_) {
            is_over_ = true;
            stop_.request_stop();
        }
    }
    [[nodiscard]] RunContext over(RunContext context)
    {
        context.progress = this;
        context.stop = stop_.get_token();
        return context;
    }
    [[nodiscard]] bool is_over() const noexcept { return is_over_; }

private:
    struct Forward {
        std::stop_source* stop;
        void operator()() const { stop->request_stop(); }
    };

    Progress* next_;
    Clock* clock_;
    std::optional<std::chrono::nanoseconds> end_;
    std::stop_source stop_;
    std::stop_callback<Forward> forward_;
    std::atomic<bool> is_over_{false};
};

/// `target:plain`; a plain text that would blur the line or the terminal is written as hashcat writes it.
std::string hit_line(const rescue::CrackTarget& target, const password::Found& found)
{
    const std::string secret{as_text(found.secret.expose())};
    const bool is_plain = std::ranges::all_of(secret, [](char c) { return c >= 0x20 && c < 0x7F && c != ':'; }) &&
                          !secret.starts_with("$HEX[");
    return fmt::format("{}:{}\n", printable(target.name), is_plain ? secret : "$HEX[" + to_hex(as_bytes(secret)) + "]");
}

/// With no attack named the usual ones are planned; with one, only what was named.
Result<rescue::SearchRequest> search_request(const CrackOptions& options, std::vector<rescue::GivenSecret> secrets)
{
    rescue::SearchRequest out;
    const bool is_guided = !options.pin.empty() || options.grid || !options.wordlists.empty() || !secrets.empty();
    out.secrets = std::move(secrets);
    out.check = options.also_footer ? rescue::PasswordCheck::all : rescue::PasswordCheck::listed;
    out.workers = options.run.workers;
    out.wordlists = {options.wordlists.begin(), options.wordlists.end()};
    if (!is_guided) {
        return out;
    }
    out.max_pin = 0;
    out.pattern_side = options.grid.value_or(0);
    // Numbering more than 7 dots of 6x6 takes longer than a person waits for; who wants them says so.
    out.max_dots = options.max_dots.value_or(options.grid == 6U ? 7U : 9U);
    if (!options.pin.empty()) {
        const auto range = SALVAGE_TRY(rescue::parse_pin_range(options.pin));
        out.min_pin = range.min;
        out.max_pin = range.max;
    }
    return out;
}

/// The session's file: as named, or one that belongs to this search alone.
Result<std::filesystem::path> session_file(const CrackOptions& options, const rescue::SearchSubject& subject,
                                           const rescue::CrackPlan& plan, const rescue::SearchRequest& request)
{
    std::filesystem::path file = options.session;
    if (file.empty()) {
        file = SALVAGE_TRY(rescue::session_name(subject, plan.steps, request, options.run));
    }
    if (options.is_restore && !std::filesystem::exists(file)) {
        return not_found("there is no session to go on with", file.string(), "leave out --restore to begin");
    }
    return file;
}

int exit_of(const rescue::SearchReport& report, bool is_out_of_time)
{
    if (report.password_matches_footer_only) {
        return static_cast<int>(Exit::mismatch);
    }
    if (report.found) {
        return static_cast<int>(CrackExit::found);
    }
    if (report.end != password::SearchEnd::stopped) {
        return static_cast<int>(CrackExit::exhausted);
    }
    return static_cast<int>(is_out_of_time ? CrackExit::out_of_time : CrackExit::stopped);
}

Result<> write_key(const CrackOptions& options, const rescue::SearchReport& report, Session& session)
{
    if (options.key_out.empty() || !report.found) {
        return {};
    }
    if (report.found->master_key.is_empty()) {
        session.say("No volume key was written: none is proven.\n");
        return {};
    }
    return io::write_file_atomically(options.key_out, report.found->master_key.expose(), io::Existing::refuse, 0600)
        .in("writing the volume key");
}

void say_plan(const rescue::CrackPlan& plan, const rescue::SearchRun& run, Session& session)
{
    for (const auto& step : plan.steps) {
        session.say(fmt::format("{}: {} candidates, {} at most\n", step.name, format_count(step.keyspace->size().value),
                                format_duration(std::chrono::duration<double>{step.seconds})));
    }
    session.say(fmt::format("{:.1f} candidates a second; {}\n", plan.rate, plan.threads));
    session.say(fmt::format("Ctrl-C stops; the same command goes on from {}\n", run.session_file->string()));
}

void show(Session& session, const rescue::CrackTarget& target, const rescue::SearchReport& report)
{
    if (session.is_json) {
        session.print(render::json(report));
        return;
    }
    if (report.found) {
        session.print(hit_line(target, report.found->found));
    }
    session.say(render::text(report, session.err_style()));
}

/// Before hours of searching rather than after.
Result<> check_key_out(const std::string& path)
{
    if (path.empty() || !std::filesystem::exists(path)) {
        return {};
    }
    return Error{ErrorCode::already_exists,
                 fmt::format("{} exists and is not overwritten", path),
                 {},
                 std::nullopt,
                 "name another file with --key-out",
                 {}};
}

Result<> run_crack(const CrackOptions& options, Session& session)
{
    const auto context = session.context();
    SALVAGE_TRY(check_key_out(options.key_out));
    auto open_request = SALVAGE_TRY(options.secret.request(session));
    const auto target = SALVAGE_TRY(rescue::crack_target(options.dump.request(), open_request, context));
    const auto request = SALVAGE_TRY(search_request(options, std::move(open_request.secrets)));
    const auto plan = SALVAGE_TRY(rescue::plan_search(target.subject, request, context));
    if (options.is_keyspace_asked) {
        session.print(fmt::format("{}\n", plan.candidates()));
        return {};
    }
    auto run = options.run;
    run.session_file = SALVAGE_TRY(session_file(options, target.subject, plan, request));
    say_plan(plan, run, session);
    Deadline deadline{context, options.runtime_seconds};
    const auto report =
        SALVAGE_TRY(rescue::run_search(target.subject, plan.steps, request, run, deadline.over(context)));
    show(session, target, report);
    SALVAGE_TRY(write_key(options, report, session));
    session.finish(exit_of(report, deadline.is_over()));
    return {};
}

void add_attacks(CLI::App& command, CrackOptions& options)
{
    auto* const group = command.add_option_group(
        "Attacks", "none given: default password, 4-digit PINs, 3x3 patterns, 5- and 6-digit PINs");
    group->add_option("--pin", options.pin, "PINs of so many digits, people's choices first: 4, or 4-6");
    group->add_option("--grid", options.grid, "unlock patterns of a grid with so many dots a row, in both encodings")
        ->check(CLI::Range(3, 6));
    group->add_option("--max-dots", options.max_dots,
                      "with --grid: patterns of at most so many dots (default: 9, with --grid 6: 7)");
    group->add_option("--wordlist", options.wordlists, "file with a candidate a line (repeatable)");
}

void add_running(CLI::App& command, CrackOptions& options)
{
    command.add_option("--session", options.session,
                       "file that keeps how far the search is (default: salvage-….session, one for each search)");
    command.add_flag("--restore", options.is_restore, "only go on with a session that exists");
    command.add_option("-s,--skip", options.run.skip, "skip so many candidates");
    command.add_option("-l,--limit", options.run.limit, "try at most so many candidates");
    command.add_flag("--keyspace", options.is_keyspace_asked, "print the number of candidates and end");
    command.add_option("--runtime", options.runtime_seconds, "stop after so many seconds of searching; exit code 4");
    command.add_option("--workers", options.run.workers, "threads; 0: one a core, as far as memory goes")
        ->capture_default_str();
    command.add_option("--key-out", options.key_out, "write the volume key to this file, mode 0600");
    command.add_flag("--check-footer", options.also_footer,
                     "also ask the footer's own check value: finds the secret where footer and userdata do not belong "
                     "together; slower");
}

} // namespace

void add_crack(CLI::App& app, Session& session)
{
    auto& command =
        verb(app, "crack", "recover the PIN, pattern or password; stops with Ctrl-C and goes on with the same command",
             "salvage crack phone.img --pin 4\n  salvage crack phone.img --wordlist words.txt\n  salvage crack "
             "footer.bin --grid 3");
    const auto options = std::make_shared<CrackOptions>();
    options->dump.add_to(command);
    options->secret.add_to(command);
    add_attacks(command, *options);
    add_running(command, *options);
    add_output_options(command, session);
    command.callback([&session, options] {
        if (const auto done = run_crack(*options, session); !done.has_value()) {
            session.fail(done.error());
            const bool means_something_else = session.exit_code() <= static_cast<int>(CrackExit::out_of_time);
            session.finish(means_something_else ? static_cast<int>(CrackExit::failed) : session.exit_code());
        }
    });
}

} // namespace salvage::cli
