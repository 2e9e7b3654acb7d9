// A search on this machine with everything around it: session, status lines, keys, time limit, hits as they come.
#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "crack_command.hpp"
#include "salvage/core/text.hpp"
#include "salvage/render/hashtopolis.hpp"
#include "salvage/rescue/potfile.hpp"
#include "search_watch.hpp"

namespace salvage::cli {
namespace {

/// The session's file: as named, or one that belongs to this search alone.
Result<std::filesystem::path> session_file(const CrackOptions& options, const rescue::CrackPlan& plan,
                                           const rescue::SearchRun& run)
{
    std::filesystem::path file = options.session;
    if (file.empty()) {
        file = SALVAGE_TRY(rescue::session_name(plan, run));
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
    double total = 0;
    for (const auto& step : plan.steps) {
        if (step.keyspace->is_open_ended()) {
            session.say(fmt::format("{}: until it ends\n", step.name));
            continue;
        }
        const auto size = step.keyspace->size().value;
        total += step.seconds;
        session.say(fmt::format("{}: {} candidate{}, {} at most\n", step.name, format_count(size), size == 1 ? "" : "s",
                                format_duration(std::chrono::duration<double>{step.seconds})));
    }
    if (plan.steps.size() > 1) {
        session.say(fmt::format("All of it: {} at most\n", format_duration(std::chrono::duration<double>{total})));
    }
    session.say(fmt::format("{:.1f} candidates a second; {}\n", plan.rate, plan.devices));
    session.say(fmt::format("Ctrl-C stops; the same command goes on from {}\n", run.session_file->string()));
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
        session_->outcome.text = fmt::format("{} of {} secrets found, {} candidates tried", report.found.size(),
                                             targets_->size(), format_count(report.tried));
        session_->outcome.data = {{.key = "found", .value = std::uint64_t{report.found.size()}},
                                  {.key = "tried", .value = report.tried}};
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
        out.uses_gpu = plan_->uses_gpu;
        out.targets = targets_->size();
        out.begin = run.skip;
        if (!reads_stream()) {
            out.end = plan_->candidates();
        }
        return out;
    }

    /// A stream is the last step where there is one.
    [[nodiscard]] bool reads_stream() const { return plan_->steps.back().keyspace->is_open_ended(); }

    /// The engine's progress comes several times a second: the lines decide themselves when one is due.
    WatchOptions watch_options(const Clock& clock)
    {
        WatchOptions out;
        if (options_->runtime_seconds) {
            out.runtime = std::chrono::seconds{*options_->runtime_seconds};
        }
        out.status_interval = std::chrono::seconds{options_->status_seconds};
        out.keys = reads_stream() ? WatchKeys::no : WatchKeys::yes; // what is typed then are words
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

} // namespace

Result<> run_here(const CrackOptions& options, const Targets& targets, const rescue::CrackPlan& plan,
                  const rescue::SearchRequest& request, const RunContext& context, Session& session)
{
    rescue::SearchRun run;
    run.skip = options.skip.value_or(0);
    run.limit = options.limit;
    run.command = session.command;
    run.session_file = SALVAGE_TRY(session_file(options, plan, run));
    say_plan(plan, run, session);
    return Running{options, targets, plan, request, session}.run(std::move(run), context);
}

} // namespace salvage::cli
