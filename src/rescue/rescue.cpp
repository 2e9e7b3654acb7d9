// The main job: inspect, split, open, export, report; all of it in a case folder that an interrupted run goes on with.
#include "salvage/rescue/rescue.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "rescue/case_file.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/rescue/adopted.hpp"
#include "salvage/rescue/crack.hpp"

namespace salvage::rescue {
namespace {

constexpr unsigned longest_cheap_pin = 6;

Error other_dump(const std::filesystem::path& folder, const std::string& known, const std::string& found)
{
    return Error{ErrorCode::already_exists,
                 fmt::format("{} is the case of another dump", folder.string()),
                 fmt::format("its dump has {}, this one {}", known, found),
                 std::nullopt,
                 "name another folder with -o",
                 {}};
}

/// Makes the folder and case.json, or finds those of an earlier run over the same dump.
Result<CaseFile> open_case(const RescueRequest& request, const DumpRequest& dump, ByteCount size)
{
    const auto& folder = request.case_folder;
    std::error_code problem;
    std::filesystem::create_directories(folder, problem);
    if (problem) {
        return from_errno(problem.value(), "the case folder cannot be made", folder.string());
    }
    if (std::filesystem::exists(folder / "case.json", problem)) {
        auto known = SALVAGE_TRY(read_case_file(folder));
        if (known.size != size) {
            return other_dump(folder, fmt::format("{} bytes", known.size.value), fmt::format("{} bytes", size.value));
        }
        return known;
    }
    if (!std::filesystem::is_empty(folder, problem) || problem) {
        return Error{ErrorCode::already_exists,          fmt::format("{} is not empty and not a case", folder.string()),
                     "a case needs a folder of its own", std::nullopt,
                     "name another folder with -o",      {}};
    }
    CaseFile made{.dump = dump, .size = size, .sha256 = {}, .statement = request.statement, .verdict = {}};
    SALVAGE_TRY(write_case_file(folder, made));
    return made;
}

/// Everything the rest needs to know that source is the one an earlier run saw.
std::string identity_of(const InspectReport& report)
{
    return fmt::format("{} bytes, sha256 {}", report.source.size.value, report.source.sha256.value_or("unknown"));
}

/// The rescue, step by step.  Each step says what it did in the log and leaves its part of the report.
class Rescue {
public:
    Rescue(const RescueRequest& request, CaseFile known, RunContext context, CaseLog& log)
        : request_{&request}, known_{std::move(known)}, context_{std::move(context)}, log_{&log}
    {
        context_.log = &log;
    }

    Result<RescueReport> run(const Dump& dump)
    {
        report_.case_folder = request_->case_folder.string();
        log_->write("rescue.start",
                    fmt::format("salvage rescue of {} ({})", dump.path, format_size_exact(dump.source->size())));
        report_.inspect = SALVAGE_TRY(inspect(dump, request_->open, context_));
        log_->write("inspect.done", fmt::format("{}; verdict {}", identity_of(report_.inspect),
                                                to_string(report_.inspect.outcome.verdict.code)));
        SALVAGE_TRY(note_source());
        if (request_->split && !dump.is_bare) {
            SALVAGE_TRY(split_dump(dump));
        }
        if (report_.inspect.outcome.verdict.code == VerdictCode::needs_secret && request_->search_time.count() > 0) {
            SALVAGE_TRY(search_cheaply(dump));
        }
        if (report_.inspect.outcome.volume) {
            SALVAGE_TRY(export_files());
        }
        known_.verdict = to_string(report_.inspect.outcome.verdict.code);
        SALVAGE_TRY(write_case_file(request_->case_folder, known_));
        log_->write("rescue.done", fmt::format("verdict {}", to_string(report_.inspect.outcome.verdict.code)));
        return std::move(report_);
    }

private:
    /// The case keeps the hash of its dump; an earlier run may have kept another.
    Result<> note_source()
    {
        const auto& found = report_.inspect.source.sha256;
        if (known_.sha256 && known_.sha256 != found) {
            return other_dump(request_->case_folder, "the SHA-256 " + *known_.sha256,
                              "the SHA-256 " + found.value_or("(unknown: parts could not be read)"));
        }
        known_.sha256 = found;
        return write_case_file(request_->case_folder, known_);
    }

    Result<> split_dump(const Dump& dump)
    {
        const auto folder = request_->case_folder / "parts";
        report_.parts_path = folder.string();
        if (std::error_code ignored; std::filesystem::exists(folder / "manifest.json", ignored)) {
            log_->write("split.skipped", "parts/ is complete from an earlier run");
            return {};
        }
        report_.split = SALVAGE_TRY(split(dump.source, dump.layout, folder,
                                          {.source_identity = identity_of(report_.inspect), .only = {}}, context_)
                                        .in("splitting the dump"));
        log_->write("split.done", fmt::format("{} partitions in {}", report_.split->parts.size(), folder.string()));
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
        log_->write("search.found", fmt::format("a secret was found and written to {} (mode 0600)", path.string()));
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
        report_.exported =
            SALVAGE_TRY(export_folder(**files, folder, {.source_identity = identity_of(report_.inspect)}, context_)
                            .in("exporting the files"));
        report_.files_path = folder.string();
        log_->write("export.done",
                    fmt::format("{} files, {} bytes, {} with losses, in {}", report_.exported->files,
                                report_.exported->bytes.value, report_.exported->failed.size(), folder.string()));
        return {};
    }

    const RescueRequest* request_;
    CaseFile known_;
    RunContext context_;
    CaseLog* log_;
    RescueReport report_;
};

} // namespace

Result<RescueReport> rescue(const RescueRequest& request, const RunContext& context)
{
    const auto wanted = SALVAGE_TRY(resolve_case(request.dump));
    const auto dump = SALVAGE_TRY(open_dump(wanted));
    auto known = SALVAGE_TRY(open_case(request, wanted, dump.source->size()));
    const auto log = SALVAGE_TRY(CaseLog::open(request.case_folder / "log.jsonl", *context.clock));
    log->write("case.statement",
               request.statement.empty() ? "no statement by what right this is done was given" : request.statement);
    Rescue run{request, std::move(known), context, *log};
    auto report = run.run(dump);
    if (!report.has_value()) {
        log->write("rescue.ended", to_string(report.error()));
        return report;
    }
    if (auto head = head_of_log(request.case_folder / "log.jsonl"); head.has_value()) {
        report->log_head = std::move(*head);
    }
    return report;
}

} // namespace salvage::rescue
