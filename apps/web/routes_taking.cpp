// Taking files out: as a download, or onto this computer.
#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include <fmt/format.h>

#include "app.hpp"
#include "keys.hpp"
#include "pipe.hpp"
#include "salvage/core/text.hpp"
#include "salvage/render/extract.hpp"
#include "salvage/render/render.hpp"
#include "salvage/rescue/case_run.hpp"
#include "salvage/rescue/export_archive.hpp"
#include "salvage/rescue/extract.hpp"
#include "salvage/rescue/look.hpp"

namespace salvage::web {
namespace {

constexpr std::size_t max_keys = 10'000;
// Each reads the dump with a core of its own.
constexpr int max_downloads = 8;

void log_taken(rescue::CaseLog& log, std::string_view event, std::string_view text, const rescue::ExportReport& report)
{
    rescue::RunOutcome outcome;
    rescue::describe(report, outcome);
    log.write(event, text, outcome.data);
}

Result<Answer> post_selection(App& app, const Request& request)
{
    const auto body = SALVAGE_TRY(object_of(request));
    Selection selection{.paths = {}, .is_deleted = SALVAGE_TRY(flag_at(body, "deleted"))};
    for (const auto& key : SALVAGE_TRY(texts_at(body, "keys", max_keys))) {
        selection.paths.push_back(SALVAGE_TRY(phone_path_of_key(key)));
    }
    if (selection.paths.empty()) {
        return invalid_argument("nothing was selected", "`keys` is missing or empty");
    }
    const auto known = SALVAGE_TRY(app.place.opened());
    const auto& files = selection.is_deleted ? *known->deleted : *known->files;
    for (const auto& path : selection.paths) {
        SALVAGE_TRY(filesystem::find_path(files, path));
    }
    const auto id = SALVAGE_TRY(random_name(system_entropy())).substr(0, 32);
    app.selections.add(id, std::move(selection));
    return answer_of(Json{{"id", id}}, 201);
}

/// An archive that is made while it is read.  Its end ends the making, too.
class Download {
public:
    Download(const Known& known, Selection selection, rescue::ArchiveFormat format, std::atomic<int>& count)
        : files_{selection.is_deleted ? known.deleted : known.files}, open_{known.open}, format_{format}, count_{&count}
    {
        options_.paths = std::move(selection.paths);
        options_.source_identity = known.identity + (selection.is_deleted ? "; deleted files" : "");
        maker_ = std::thread{[this] { make(); }};
    }
    Download(const Download&) = delete;
    Download& operator=(const Download&) = delete;
    ~Download()
    {
        stop_.request_stop();
        pipe_.abandon();
        maker_.join();
        --*count_;
    }

    Next next(Client& client)
    {
        const auto piece = pipe_.read();
        if (!piece) {
            return pipe_.is_whole() ? Next::done : Next::broken;
        }
        return client.write(as_text(*piece)) ? Next::more : Next::broken;
    }

private:
    void make()
    {
        RunContext context;
        context.stop = stop_.get_token();
        const auto report = rescue::export_archive(
            *files_, format_, [this](ByteView bytes) { return pipe_.write(bytes); }, options_, context);
        tell(report); // before the client sees the end: who asks then finds it in the log
        pipe_.finish(report.has_value());
    }
    void tell(const Result<rescue::ExportReport>& report)
    {
        const auto open = open_.lock(); // a download holds no case open that was closed
        if (!open) {
            return;
        }
        const auto what = options_.paths.size() == 1 ? printable(options_.paths.front())
                                                     : fmt::format("{} files and folders", options_.paths.size());
        if (report.has_value()) {
            log_taken(open->folder->log(), "download.done", fmt::format("{} downloaded by the browser", what), *report);
        } else {
            open->folder->log().write("download.ended",
                                      fmt::format("the download of {} ended early: {}", what, report.error().what));
        }
    }

    std::shared_ptr<const filesystem::FileSystem> files_;
    std::weak_ptr<OpenDump> open_;
    rescue::ArchiveFormat format_;
    std::atomic<int>* count_;
    rescue::ExportOptions options_;
    std::stop_source stop_;
    Pipe pipe_;
    std::thread maker_;
};

std::string archive_name(const Selection& selection, std::string_view ending)
{
    const auto& first = selection.paths.front();
    const auto name = selection.paths.size() == 1 ? first.substr(first.rfind('/') + 1) : std::string{};
    return fmt::format("{}.{}", name.empty() ? "phone" : name, ending);
}

Result<Answer> get_download(App& app, const Request& request)
{
    const auto* const format = request.find("format");
    if (format != nullptr && *format != "zip" && *format != "tar") {
        return invalid_argument("downloads are zip or tar");
    }
    const bool is_tar = format != nullptr && *format == "tar";
    auto selection = app.selections.find(request.parts.at(0));
    if (!selection) {
        return not_found("there is no such selection", "the newest 100 are kept while the server runs",
                         "select the files again");
    }
    const auto known = SALVAGE_TRY(app.place.opened());
    if (app.downloads.fetch_add(1) >= max_downloads) {
        --app.downloads;
        return error_answer(503, "busy",
                            invalid_argument("too many downloads go on", fmt::format("{} do", max_downloads),
                                             "wait until one has ended"));
    }
    Answer out;
    out.type = is_tar ? "application/x-tar" : "application/zip";
    out.headers.push_back(
        {.name = "Content-Disposition", .value = attachment(archive_name(*selection, is_tar ? "tar" : "zip"))});
    const auto download = std::make_shared<Download>(
        *known, *std::move(selection), is_tar ? rescue::ArchiveFormat::pax : rescue::ArchiveFormat::zip, app.downloads);
    out.stream = Stream{.size = {}, .next = [download](Client& client) { return download->next(client); }};
    return out;
}

// ---- onto this computer

struct ExportWish {
    std::string to;
    std::string format{"folder"};
    bool is_deleted{false};
    rescue::ExportOptions options;
};

Result<ExportWish> wish_of(const Json& body)
{
    ExportWish out;
    const auto to = SALVAGE_TRY(text_at(body, "to"));
    if (!to || to->empty()) {
        return invalid_argument("no target was named", "`to` is missing");
    }
    out.to = SALVAGE_TRY(local_path(*to));
    out.format = SALVAGE_TRY(text_at(body, "format")).value_or("folder");
    if (out.format != "folder" && out.format != "zip" && out.format != "tar" && out.format != "pages") {
        return invalid_argument("files are taken out to a folder, a zip, a tar or pages");
    }
    const auto key = SALVAGE_TRY(text_at(body, "path", 32768));
    out.options.path = SALVAGE_TRY(phone_path_of_key(key.value_or("/")));
    out.is_deleted = SALVAGE_TRY(flag_at(body, "deleted"));
    for (const auto& name : SALVAGE_TRY(texts_at(body, "kinds", 10))) {
        using enum rescue::FileKind;
        constexpr std::array kinds{image, video, audio, document, database};
        const auto* const kind = std::ranges::find(kinds, name, [](rescue::FileKind each) { return to_string(each); });
        if (kind == kinds.end()) {
            return invalid_argument(fmt::format("there is no kind {}", printable(name)), {},
                                    "image, video, audio, document or database");
        }
        out.options.filter.kinds.push_back(*kind);
    }
    if (out.format == "pages" && (out.is_deleted || out.options.path != "/" || !out.options.filter.kinds.empty())) {
        return invalid_argument("pages are made of all that the phone holds", {},
                                "leave `path`, `kinds` and `deleted` out");
    }
    return out;
}

Result<std::string> export_files(const Known& known, const ExportWish& wish, JobControl& job)
{
    const auto& files = wish.is_deleted ? *known.deleted : *known.files;
    auto& log = known.open->folder->log();
    log.write("export.start", fmt::format("{} to {}", printable(wish.options.path), printable(wish.to)));
    const auto format = wish.format == "zip" ? rescue::ArchiveFormat::zip : rescue::ArchiveFormat::pax;
    const auto report = wish.format == "folder"
                            ? rescue::export_folder(files, wish.to, wish.options, job.context())
                            : rescue::export_to_file(files, format, wish.to, wish.options, job.context());
    if (!report.has_value()) {
        log.write("export.ended", to_string(report.error()));
        return report.error();
    }
    log_taken(log, "export.done", fmt::format("{} exported to {}", printable(wish.options.path), printable(wish.to)),
              *report);
    return render::json(*report);
}

/// Photos, contacts, messages … as `salvage extract` writes them.
Result<std::string> extract_pages(const Known& known, const ExportWish& wish, JobControl& job)
{
    auto& log = known.open->folder->log();
    log.write("extract.start", fmt::format("photos, contacts, messages … to {}", printable(wish.to)));
    const rescue::ExtractRequest request{.source = known.open->dump.path,
                                         .source_identity = known.identity,
                                         .only = {},
                                         .system_properties = rescue::system_properties_of(known.open->dump)};
    const auto report = rescue::extract(*known.files, wish.to, request, *render::make_extract_pages(), job.context());
    if (!report.has_value()) {
        log.write("extract.ended", to_string(report.error()));
        return report.error();
    }
    rescue::RunOutcome outcome;
    rescue::describe(*report, outcome);
    outcome.data.push_back({.key = "manifest_sha256", .value = SALVAGE_TRY(rescue::sha256_of_file(report->manifest))});
    log.write("extract.done", fmt::format("{}, to {}", outcome.text, printable(wish.to)), outcome.data);
    return render::json(*report);
}

Result<Answer> post_export(App& app, const Request& request)
{
    const auto body = SALVAGE_TRY(object_of(request));
    auto wish = SALVAGE_TRY(wish_of(body));
    const std::scoped_lock alone{app.changing};
    const auto known = SALVAGE_TRY(app.place.opened());
    SALVAGE_TRY(filesystem::find_path(wish.is_deleted ? *known->deleted : *known->files, wish.options.path));
    wish.options.source_identity = known->identity + (wish.is_deleted ? "; deleted files" : "");
    const bool is_folder = wish.format == "folder" || wish.format == "pages";
    const auto title = fmt::format("Taking files out to {}", shown_name(wish.to));
    const auto id = app.jobs.start_alone({.kind = JobKind::export_files, .title = title, .can_resume = is_folder},
                                         [known, wish = std::move(wish)](JobControl& job) {
                                             return wish.format == "pages" ? extract_pages(*known, wish, job)
                                                                           : export_files(*known, wish, job);
                                         });
    if (!id) {
        return busy("files are being taken out already", "two would only be slower",
                    "wait until it is done, or stop it");
    }
    return job_answer(app, *id);
}

} // namespace

std::vector<Route> taking_routes()
{
    return {{.method = "POST", .path = "/api/v1/selections", .reach = Reach::writer, .handler = post_selection},
            {.method = "GET", .path = "/api/v1/download/{}", .reach = Reach::reader, .handler = get_download},
            {.method = "POST", .path = "/api/v1/exports", .reach = Reach::writer, .handler = post_export}};
}

} // namespace salvage::web
