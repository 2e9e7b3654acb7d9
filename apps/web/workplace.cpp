// Opening, unlocking, closing, and noticing that a dump went away.
#include "workplace.hpp"

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"
#include "salvage/filesystem/deleted_tree.hpp"
#include "salvage/rescue/secrets.hpp"

namespace salvage::web {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto between_looks = 2s;

Error nothing_open()
{
    return not_found("nothing is open", "no dump has been opened, or it was closed", "open one on the start page");
}

Error gone_error(const std::string& path)
{
    return Error{ErrorCode::io,
                 fmt::format("{} is not there any more", path),
                 "the file was moved or deleted, or its disk was taken away",
                 std::nullopt,
                 "put it back; what was done so far is in the case",
                 {}};
}

/// A rescue that searched has left what it found.
void add_found_secret(const fs::path& folder, rescue::OpenRequest& request)
{
    auto secret = rescue::read_secret_file(folder / "secret.bin");
    if (secret.has_value()) {
        request.secrets.push_back({.bytes = std::move(*secret), .encoding = "text"});
    }
}

/// The filesystem of a volume that was opened.
void add_files(Known& known)
{
    const auto* const volume = known.volume();
    if (volume == nullptr) {
        return;
    }
    auto files = rescue::open_files(*volume);
    if (!files.has_value()) {
        known.files_problem = std::move(files).error();
        return;
    }
    known.files = *std::move(files);
    known.deleted = filesystem::make_deleted_tree(known.files, known.open->context());
}

std::string identity_of(const Known& known)
{
    const auto* const volume = known.volume();
    const auto& dump = known.open->dump;
    return fmt::format("{}; {} bytes; {}", dump.path, dump.source->size().value,
                       volume == nullptr ? std::string{"not opened"} : volume->how);
}

void log_opened(OpenDump& open, const rescue::InspectReport& report)
{
    const std::string verdict{to_string(report.outcome.verdict.code)};
    const std::array<rescue::LogField, 4> data{
        rescue::LogField{.key = "source", .value = open.dump.path},
        rescue::LogField{.key = "source_size", .value = report.source.size.value},
        rescue::LogField{.key = "source_sha256",
                         .value = report.source.sha256 ? rescue::LogValue{*report.source.sha256} : rescue::LogValue{}},
        rescue::LogField{.key = "verdict", .value = verdict}};
    open.folder->log().write("serve.opened", fmt::format("opened on the local page; verdict {}", verdict), data);
}

} // namespace

std::string_view to_string(PlaceState state) noexcept
{
    switch (state) {
    case PlaceState::empty: return "empty";
    case PlaceState::opening: return "opening";
    case PlaceState::open: return "open";
    case PlaceState::failed: return "failed";
    case PlaceState::gone: return "gone";
    }
    return "failed";
}

fs::path default_case(const fs::path& dump)
{
    return dump.parent_path() / (dump.filename().string() + ".case");
}

Workplace::Workplace(std::function<void()> changed)
    : changed_{std::move(changed)}, watcher_{[this](const std::stop_token& stop) { watch(stop); }}
{
}

Workplace::~Workplace()
{
    close();
    watcher_.request_stop();
    watcher_.join();
}

void Workplace::publish(const std::function<void()>& change)
{
    {
        const std::scoped_lock lock{mutex_};
        change();
    }
    changed_();
}

PlaceView Workplace::view() const
{
    const std::scoped_lock lock{mutex_};
    return view_;
}

Result<KnownPtr> Workplace::known() const
{
    const std::scoped_lock lock{mutex_};
    if (!view_.known) {
        return nothing_open();
    }
    return view_.known;
}

Result<KnownPtr> Workplace::opened() const
{
    auto out = SALVAGE_TRY(known());
    if (out->files_problem) {
        return *out->files_problem;
    }
    if (!out->is_open()) {
        return Error{ErrorCode::wrong_secret,
                     "the phone's storage is not open yet",
                     std::string{headline(out->report->outcome.verdict)},
                     std::nullopt,
                     "unlock it first",
                     {}};
    }
    return out;
}

void Workplace::begin(const OpenPlan& plan)
{
    close();
    publish([&] {
        view_ = {};
        view_.state = PlaceState::opening;
        view_.path = plan.dump.path.string();
        view_.case_folder = plan.case_folder.string();
    });
}

Result<> Workplace::open(const OpenPlan& plan, const RunContext& context)
{
    auto known = look(plan, context);
    if (!known.has_value()) {
        publish([&] {
            view_.state = PlaceState::failed;
            view_.error = known.error();
        });
        return std::move(known).error();
    }
    publish([&] {
        view_.state = PlaceState::open;
        view_.known = *known;
    });
    return {};
}

Result<KnownPtr> Workplace::look(const OpenPlan& plan, const RunContext& context)
{
    auto open = std::make_shared<OpenDump>();
    const bool is_of_case = rescue::is_case(plan.dump.path);
    open->request = SALVAGE_TRY(rescue::resolve_case(plan.dump));
    open->dump = SALVAGE_TRY(rescue::open_dump(open->request));
    const auto folder = is_of_case                 ? plan.dump.path
                        : plan.case_folder.empty() ? default_case(open->request.path)
                                                   : plan.case_folder;
    publish([&] {
        view_.path = open->request.path.string();
        view_.case_folder = folder.string();
        view_.size = open->dump.source->size();
        view_.container = open->dump.container;
    });
    open->folder = SALVAGE_TRY(
        rescue::CaseFolder::open(
            {.folder = folder, .dump = open->request, .size = open->dump.source->size(), .statement = plan.right},
            *context.clock)
            .in("opening the case"));
    SALVAGE_TRY(open->folder->note());
    if (!plan.right.empty() && open->folder->statement() != plan.right) {
        SALVAGE_TRY(open->folder->note_statement(plan.right));
    }
    auto known = std::make_shared<Known>();
    known->open = open;
    rescue::OpenRequest none;
    auto& request = plan.secrets ? *plan.secrets : none;
    add_found_secret(folder, request);
    auto report = SALVAGE_TRY(rescue::inspect(open->dump, request, context));
    SALVAGE_TRY(open->folder->note_source(report.source.sha256));
    open->folder->note_findings(report.findings);
    SALVAGE_TRY(open->folder->note_verdict(std::string{to_string(report.outcome.verdict.code)}));
    log_opened(*open, report);
    known->report = std::make_shared<const rescue::InspectReport>(std::move(report));
    add_files(*known);
    known->identity = identity_of(*known);
    publish([&] {
        known->number = next_number_++;
        open->number = known->number;
        view_.needs_right = open->folder->statement().empty();
    });
    return KnownPtr{std::move(known)};
}

Result<rescue::Verdict> Workplace::unlock(rescue::OpenRequest secrets, std::string_view kind, std::string headline,
                                          const RunContext& context)
{
    const std::scoped_lock one_at_a_time{unlocking_};
    const auto before = SALVAGE_TRY(known());
    if (before->volume() != nullptr) {
        return before->report->outcome.verdict;
    }
    secrets.measure_cost = false;
    auto report = SALVAGE_TRY(rescue::open_inspected(before->open->dump, *before->report, secrets, context));
    auto& verdict = report.outcome.verdict;
    auto& folder = *before->open->folder;
    if (!report.outcome.volume) {
        verdict.cost = before->report->outcome.verdict.cost;
        folder.log().write("unlock.failed", fmt::format("a {} was tried; verdict {}", kind, to_string(verdict.code)));
        return verdict;
    }
    if (!headline.empty()) {
        verdict.headline = std::move(headline);
    }
    auto known = std::make_shared<Known>();
    known->open = before->open;
    const auto code = verdict.code;
    folder.log().write("unlock.done", fmt::format("opened with a {}: {}", kind, report.outcome.volume->how));
    known->report = std::make_shared<const rescue::InspectReport>(std::move(report));
    add_files(*known);
    known->identity = identity_of(*known);
    SALVAGE_TRY(folder.note_verdict(std::string{to_string(code)}));
    auto out = known->report->outcome.verdict;
    publish([&] {
        known->number = next_number_++;
        if (view_.known == before) { // not closed meanwhile
            view_.known = std::move(known);
        }
    });
    return out;
}

Result<> Workplace::state_right(const std::string& right)
{
    const auto now = SALVAGE_TRY(known());
    SALVAGE_TRY(now->open->folder->note_statement(right));
    publish([&] { view_.needs_right = false; });
    return {};
}

void Workplace::close()
{
    KnownPtr last;
    publish([&] {
        last = std::move(view_.known);
        view_ = {};
    });
    if (last) {
        last->open->closed.request_stop();
        last->open->folder->log().write("serve.closed", "closed on the local page");
    }
}

/// A file that is open can be read after it was deleted: only its name tells.
void Workplace::watch(const std::stop_token& stop)
{
    while (!stop.stop_requested()) {
        std::unique_lock lock{mutex_};
        tick_.wait_for(lock, stop, between_looks, [] { return false; });
        const auto known = view_.known;
        lock.unlock();
        if (!known || stop.stop_requested()) {
            continue;
        }
        std::error_code problem;
        const auto is_there = fs::exists(known->open->request.path, problem) && !problem;
        lock.lock();
        const auto wanted = is_there ? PlaceState::open : PlaceState::gone;
        const bool is_news = view_.known == known && view_.state != wanted;
        if (is_news) {
            view_.state = wanted;
            view_.error = is_there ? std::nullopt : std::optional{gone_error(known->open->request.path.string())};
        }
        lock.unlock();
        if (is_news) {
            changed_();
        }
    }
}

} // namespace salvage::web
