// crack: recover the PIN, pattern or password.  hashcat's exit codes: 0 found, 1 exhausted, 2 stopped.
#include <algorithm>
#include <memory>

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
    unsigned max_dots{9};
    std::vector<std::string> wordlists;
    std::string session{"salvage.session"};
    std::string key_out;
    rescue::SearchRun run;
    bool also_footer{false};
};

enum class CrackExit : int { found = 0, exhausted = 1, stopped = 2 };

std::string hit_line(const rescue::CrackTarget& target, const password::Found& found)
{
    const std::string secret{as_text(found.secret.expose())};
    const bool is_plain = std::ranges::all_of(secret, [](char c) { return c >= 0x20 && c < 0x7F; }) && !secret.starts_with("$HEX[");
    return fmt::format("{}:{}\n", printable(target.name), is_plain ? secret : "$HEX[" + to_hex(as_bytes(secret)) + "]");
}

/// With no attack named the usual ones are planned; with one, only what was named.
Result<rescue::SearchRequest> search_request(const CrackOptions& options, std::vector<rescue::GivenSecret> secrets)
{
    rescue::SearchRequest out;
    const bool is_guided = !options.pin.empty() || options.grid || !options.wordlists.empty() || !secrets.empty();
    out.secrets = std::move(secrets);
    out.check = options.also_footer ? rescue::PasswordCheck::all : rescue::PasswordCheck::listed;
    out.wordlists = {options.wordlists.begin(), options.wordlists.end()};
    if (!is_guided) {
        return out;
    }
    out.max_pin = 0;
    out.pattern_side = options.grid.value_or(0);
    out.max_dots = options.max_dots;
    if (!options.pin.empty()) {
        const auto range = SALVAGE_TRY(rescue::parse_pin_range(options.pin));
        out.min_pin = range.min;
        out.max_pin = range.max;
    }
    return out;
}

int exit_of(const rescue::SearchReport& report)
{
    if (report.password_matches_footer_only) {
        return static_cast<int>(Exit::mismatch);
    }
    if (report.found) {
        return static_cast<int>(CrackExit::found);
    }
    return static_cast<int>(report.end == password::SearchEnd::stopped ? CrackExit::stopped : CrackExit::exhausted);
}

Result<> run_crack(const CrackOptions& options, Session& session)
{
    const auto context = session.context();
    auto open_request = SALVAGE_TRY(options.secret.request(session));
    const auto target = SALVAGE_TRY(rescue::crack_target(options.dump.request(), open_request, context));
    const auto request = SALVAGE_TRY(search_request(options, std::move(open_request.secrets)));
    const auto plan = SALVAGE_TRY(rescue::plan_search(target.subject, request, context));
    for (const auto& step : plan.steps) {
        session.say(fmt::format("{}: {} candidates, {} at most\n", step.name, format_count(step.keyspace->size().value),
                                format_duration(std::chrono::duration<double>{step.seconds})));
    }
    auto run = options.run;
    run.session_file = options.session;
    const auto report = SALVAGE_TRY(rescue::run_search(target.subject, plan.steps, request, run, context));
    if (session.is_json) {
        session.print(render::json(report));
    } else {
        if (report.found) {
            session.print(hit_line(target, report.found->found));
        }
        session.say(render::text(report, session.err_style()));
    }
    if (report.found && !options.key_out.empty() && !report.found->master_key.is_empty()) {
        SALVAGE_TRY(io::write_file_atomically(options.key_out, report.found->master_key.expose(), io::Existing::refuse, 0600));
    }
    session.finish(exit_of(report));
    return {};
}

} // namespace

void add_crack(CLI::App& app, Session& session)
{
    auto& command = verb(app, "crack", "recover the PIN, pattern or password; stops with Ctrl-C and goes on with the same command",
                         "salvage crack phone.img --pin 4\n  salvage crack phone.img --wordlist words.txt\n  salvage crack footer.bin --grid 3");
    const auto options = std::make_shared<CrackOptions>();
    options->dump.add_to(command);
    options->secret.add_to(command);
    auto* const group = command.add_option_group("Attacks", "none given: default password, 4-digit PINs, 3x3 patterns, 5- and 6-digit PINs");
    group->add_option("--pin", options->pin, "PINs of so many digits, people's choices first: 4, or 4-6");
    group->add_option("--grid", options->grid, "unlock patterns of a grid with so many dots a row, in both encodings")->check(CLI::Range(3, 6));
    group->add_option("--max-dots", options->max_dots, "with --grid 4 and larger: patterns of at most so many dots")->capture_default_str();
    group->add_option("--wordlist", options->wordlists, "file with a candidate a line (repeatable)");
    command.add_option("--session", options->session, "file that keeps how far the search is")->capture_default_str();
    command.add_option("-s,--skip", options->run.skip, "skip so many candidates");
    command.add_option("-l,--limit", options->run.limit, "try at most so many candidates");
    command.add_option("--workers", options->run.workers, "threads; 0: one a core, as far as memory goes")->capture_default_str();
    command.add_option("--key-out", options->key_out, "write the volume key to this file, mode 0600");
    command.add_flag("--check-footer", options->also_footer,
                     "also ask the footer's own check value: finds the secret where footer and userdata do not belong together; slower");
    add_output_options(command, session);
    command.callback([&session, options] {
        if (const auto done = run_crack(*options, session); !done.has_value()) {
            session.fail(done.error());
        }
    });
}

} // namespace salvage::cli
