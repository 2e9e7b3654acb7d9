// The main job: inspect, split, open, export, report; all of it in a case folder that an interrupted run goes on with.
#include "salvage/rescue/rescue.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "rescue/case_record.hpp"
#include "rescue/log_reader.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/rescue/adopted.hpp"
#include "salvage/rescue/case_folder.hpp"
#include "salvage/rescue/crack.hpp"

namespace salvage::rescue {
namespace {

constexpr unsigned longest_cheap_pin = 6;

LogValue or_null(std::string text)
{
    return text.empty() ? LogValue{} : LogValue{std::move(text)};
}

/// Everything the rest needs to know that source is the one an earlier run saw.
std::string identity_of(const InspectReport& report)
{
    return fmt::format("{} bytes, sha256 {}", report.source.size.value, report.source.sha256.value_or("unknown"));
}

/// The rescue, step by step.  Each step says what it did in the log and leaves its part of the report.
class Rescue {
public:
    Rescue(const RescueRequest& request, CaseFolder& folder, RunContext context)
        : request_{&request}, folder_{&folder}, context_{std::move(context)}, log_{&folder.log()}
    {
        context_.log = log_;
    }

    Result<RescueReport> run(const Dump& dump)
    {
        report_.case_folder = request_->case_folder.string();
        log_start(dump);
        SALVAGE_TRY(folder_->note());
        report_.inspect = SALVAGE_TRY(inspect(dump, request_->open, context_));
        log_inspected();
        SALVAGE_TRY(folder_->note_source(report_.inspect.source.sha256));
        if (request_->split && !dump.is_bare) {
            SALVAGE_TRY(split_dump(dump));
        }
        if (report_.inspect.outcome.verdict.code == VerdictCode::needs_secret && request_->search_time.count() > 0) {
            SALVAGE_TRY(search_cheaply(dump));
        }
        if (report_.inspect.outcome.volume) {
            SALVAGE_TRY(export_files());
        }
        folder_->note_findings(report_.inspect.findings);
        const std::string code{to_string(report_.inspect.outcome.verdict.code)};
        SALVAGE_TRY(folder_->note_verdict(code));
        const LogField verdict{.key = "verdict", .value = code};
        log_->write("rescue.done", fmt::format("verdict {}", code), {&verdict, 1});
        report_.log = log_->head();
        return std::move(report_);
    }

private:
    void log_start(const Dump& dump)
    {
        const auto& run = request_->invocation;
        const std::array<LogField, 5> data{
            LogField{.key = "version", .value = or_null(run.version)}, LogField{.key = "verb", .value = run.verb},
            LogField{.key = "options", .value = run.options}, LogField{.key = "source", .value = dump.path},
            LogField{.key = "source_size", .value = dump.source->size().value}};
        log_->write("rescue.start",
                    fmt::format("salvage {} of {} ({})", run.verb, dump.path, format_size_exact(dump.source->size())),
                    data);
    }

    void log_inspected()
    {
        const auto& source = report_.inspect.source;
        const std::string verdict{to_string(report_.inspect.outcome.verdict.code)};
        const std::array<LogField, 4> data{
            LogField{.key = "source", .value = source.path}, LogField{.key = "source_size", .value = source.size.value},
            LogField{.key = "source_sha256", .value = or_null(source.sha256.value_or(std::string{}))},
            LogField{.key = "verdict", .value = verdict}};
        log_->write("inspect.done", fmt::format("{}; verdict {}", identity_of(report_.inspect), verdict), data);
        folder_->note_findings(report_.inspect.findings);
    }

    Result<> split_dump(const Dump& dump)
    {
        const auto folder = request_->case_folder / "parts";
        report_.parts_path = folder.string();
        const auto& finished = log_->memory().finished_folders;
        if (std::error_code ignored; std::ranges::find(finished, "parts") != finished.end() &&
                                     std::filesystem::exists(folder / "manifest.json", ignored)) {
            log_->write("split.skipped", "parts/ is complete from an earlier run");
            return {};
        }
        begin_folder(*log_, "parts");
        report_.split = SALVAGE_TRY(split(dump.source, dump.layout, folder,
                                          {.source_identity = identity_of(report_.inspect), .only = {}}, context_)
                                        .in("splitting the dump"));
        log_->write("split.done", fmt::format("{} partitions in {}", report_.split->parts.size(), folder.string()));
        SALVAGE_TRY(record_parts(*log_, request_->case_folder));
        finish_folder(*log_, "parts", "parts/ is complete");
        return {};
    }

    Result<> search_cheaply(const Dump& dump)
    {
        for (const auto& found : report_.inspect.outcome.footers.footers) {
            auto unlocker =
                fde::make_unlocker(found.footer, request_->open.phone_keys ? &*request_->open.phone_keys : nullptr);
            if (!unlocker.has_value()) {
                continue;
            }
            const auto subject = SALVAGE_TRY(search_subject(dump, found, std::move(*unlocker)));
            if (!subject.userdata) {
                continue;
            }
            auto result = SALVAGE_TRY(search_one(subject));
            std::ranges::copy(result.searched, std::back_inserter(report_.searched));
            for (const auto& line : result.searched) {
                log_->write("search.done", line);
            }
            if (!result.found.empty() && !result.found.front().is_for_footer_only) {
                return open_with(dump, std::move(result.found.front().found));
            }
            if (context_.is_stopped()) {
                return cancelled("searching for the secret");
            }
        }
        return {};
    }

    /// The cheap part of the usual plan, until the time is over or the user stops it.
    Result<SearchReport> search_one(const SearchSubject& subject)
    {
        std::stop_source timer;
        const std::stop_callback forward{context_.stop, [&timer] { timer.request_stop(); }};
        auto context = context_;
        context.stop = timer.get_token();
        Deadline deadline{*context_.progress, *context_.clock, context_.clock->now() + request_->search_time, timer};
        context.progress = &deadline;
        SearchRequest request;
        request.max_pin = longest_cheap_pin;
        const std::span subjects{&subject, 1};
        const auto plan = SALVAGE_TRY(plan_search(subjects, request, context));
        SearchRun run;
        run.session_file = request_->case_folder / "search.session";
        return run_search(subjects, plan, request, run, context);
    }

    /// Asks for a stop once the time is over; progress is reported often enough to serve as the clock.
    class Deadline final : public Progress {
    public:
        Deadline(Progress& next, Clock& clock, std::chrono::nanoseconds end, std::stop_source& stop)
            : next_{&next}, clock_{&clock}, end_{end}, stop_{&stop}
        {
        }
        void update(const ProgressUpdate& update) override
        {
            next_->update(update);
            if (clock_->now() >= end_) {
                stop_->request_stop();
            }
        }

    private:
        Progress* next_;
        Clock* clock_;
        std::chrono::nanoseconds end_;
        std::stop_source* stop_;
    };

    Result<> open_with(const Dump& dump, password::Found found)
    {
        const auto path = request_->case_folder / "secret.bin";
        SALVAGE_TRY(io::write_file_atomically(path, found.secret.expose(), io::Existing::replace, 0600));
        report_.secret_file = path.string();
        report_.found_secret_encoding = found.encoding;
        OpenRequest with_secret;
        with_secret.secrets.push_back({.bytes = std::move(found.secret), .encoding = found.encoding});
        with_secret.measure_cost = false;
        report_.inspect.outcome =
            SALVAGE_TRY(open_userdata(dump, std::move(report_.inspect.outcome.footers), with_secret, context_));
        if (auto& verdict = report_.inspect.outcome.verdict; verdict.code == VerdictCode::open) {
            verdict.headline = "Open. The secret was found by searching.";
        }
        const LogField file{.key = "path", .value = std::string{"secret.bin"}};
        log_->write("search.found",
                    "a secret was found and written to secret.bin (mode 0600); its hash is left out, for it would give "
                    "the secret away",
                    {&file, 1});
        return {};
    }

    /// Photos of a phone may lie on a card that only this userdata has the key of.
    void tell_of_cards(const filesystem::FileSystem& files)
    {
        const auto keys = card_keys(files);
        if (!keys.has_value() || keys->empty()) {
            return;
        }
        report_.inspect.findings.push_back(
            {.code = "adopted-cards",
             .severity = Severity::note,
             .text =
                 fmt::format("This phone made {} memory card{} its own storage; the key of {} is here. Dump the card "
                             "and open it with --adopted-by.",
                             keys->size(), keys->size() == 1 ? "" : "s", keys->size() == 1 ? "it" : "each"),
             .where = {.source = {}, .offset = {}, .partition = "userdata"},
             .numbers = {{"keys", keys->size()}},
             .words = {{"first", keys->front().path}}});
    }

    Result<> export_files()
    {
        auto files = open_files(*report_.inspect.outcome.volume);
        if (!files.has_value()) {
            log_->write("export.failed", to_string(files.error()));
            report_.inspect.findings.push_back({.code = "filesystem-not-opened",
                                                .severity = Severity::error,
                                                .text = to_string(files.error()),
                                                .where = {.source = {}, .offset = {}, .partition = "userdata"},
                                                .numbers = {},
                                                .words = {}});
            return {};
        }
        std::ranges::copy((*files)->findings(), std::back_inserter(report_.inspect.findings));
        tell_of_cards(**files);
        const auto folder = request_->case_folder / "files";
        begin_folder(*log_, "files");
        report_.exported =
            SALVAGE_TRY(export_folder(**files, folder, {.source_identity = identity_of(report_.inspect)}, context_)
                            .in("exporting the files"));
        report_.files_path = folder.string();
        report_.inspect.outcome.verdict.next = "look into " + report_.files_path;
        log_->write("export.done",
                    fmt::format("{} files, {} bytes, {} with losses, in {}", report_.exported->files,
                                report_.exported->bytes.value, report_.exported->failed.size(), folder.string()));
        SALVAGE_TRY(record_files(*log_, request_->case_folder,
                                 std::array<std::string, 4>{"files/bodyfile.txt", "files/dfxml.xml", "files/SHA256SUMS",
                                                            "files/manifest.jsonl"}));
        finish_folder(*log_, "files", "files/ is complete; its files are named in files/manifest.jsonl");
        return {};
    }

    const RescueRequest* request_;
    CaseFolder* folder_;
    RunContext context_;
    CaseLog* log_;
    RescueReport report_;
};

} // namespace

Result<RescueReport> rescue(const RescueRequest& request, const RunContext& context)
{
    const auto wanted = SALVAGE_TRY(resolve_case(request.dump));
    const auto dump = SALVAGE_TRY(open_dump(wanted));
    const CaseRequest place{
        .folder = request.case_folder, .dump = wanted, .size = dump.source->size(), .statement = request.statement};
    const auto folder = SALVAGE_TRY(CaseFolder::open(place, *context.clock));
    Rescue run{request, *folder, context};
    auto report = run.run(dump);
    if (!report.has_value()) {
        record_ending(folder->log(), log_event::rescue_run, report.error());
    }
    return report;
}

} // namespace salvage::rescue
