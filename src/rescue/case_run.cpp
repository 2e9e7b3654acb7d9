// Beginning and end of a run in the log of its case.
#include "salvage/rescue/case_run.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "rescue/case_file.hpp"
#include "rescue/case_record.hpp"
#include "rescue/log_reader.hpp"
#include "salvage/core/text.hpp"
#include "salvage/rescue/case_folder.hpp"
#include "salvage/rescue/export.hpp"
#include "salvage/rescue/extract.hpp"
#include "salvage/rescue/look.hpp"

namespace salvage::rescue {
namespace {

namespace fs = std::filesystem;

/// Lists that name every file of a folder with its hash, and the key of their own hash in a record.
struct FolderList {
    std::string_view name;
    std::string_view key;
};
constexpr std::array folder_lists{
    FolderList{.name = "manifest.jsonl", .key = "manifest_sha256"}, // export, extract
    FolderList{.name = "manifest.json", .key = "manifest_sha256"},  // split
    FolderList{.name = "carved.jsonl", .key = "manifest_sha256"},
    FolderList{.name = "SHA256SUMS", .key = "sums_sha256"},
};

fs::path whole(const fs::path& path)
{
    std::error_code problem;
    auto out = fs::weakly_canonical(fs::absolute(path, problem), problem);
    return problem ? path : out;
}

/// The case that a file or folder lies in, or is.
std::optional<fs::path> case_around(const fs::path& path)
{
    for (auto at = whole(path); !at.empty(); at = at.parent_path()) {
        if (is_case(at)) {
            return at;
        }
        if (at == at.parent_path()) {
            break;
        }
    }
    return std::nullopt;
}

/// Where the path lies in the folder, with '/'; nothing where it lies outside.
std::optional<std::string> place_in(const fs::path& path, const fs::path& folder)
{
    const auto relative = whole(path).lexically_relative(folder);
    const bool is_in = !relative.empty() && *relative.begin() != ".." && relative != ".";
    return is_in ? std::optional{relative.generic_string()} : std::nullopt;
}

Result<NamedFile> measured(const fs::path& path, const RunOutcome& outcome, const RunContext& context)
{
    std::error_code problem;
    NamedFile out{.path = path.string(), .size = fs::file_size(path, problem), .sha256 = {}};
    if (problem) {
        return from_errno(problem.value(), "what was written cannot be looked at", path.string());
    }
    std::uint64_t done = 0;
    const auto told = [&](std::uint64_t bytes) -> Result<> {
        done += bytes;
        context.progress->update({.step = "record", .unit = "bytes", .done = done, .total = out.size});
        return context.is_stopped() ? cancelled("recording what was written") : Result<>{};
    };
    const auto known = std::ranges::find(outcome.known, path, [](const auto& one) { return whole(one.first); });
    out.sha256 = known != outcome.known.end() ? known->second : SALVAGE_TRY(sha256_of_file(path, told));
    return out;
}

/// What the case knows of its dump.
std::vector<LogField> source_fields(const fs::path& source, const fs::path& folder)
{
    const auto known = whole(source) == folder ? read_case_file(folder) : Result<CaseFile>{not_found("")};
    if (!known.has_value()) {
        return {{.key = "source", .value = whole(source).string()},
                {.key = "source_size", .value = {}},
                {.key = "source_sha256", .value = {}}};
    }
    return {{.key = "source", .value = known->dump.path.string()},
            {.key = "source_size", .value = known->size.value},
            {.key = "source_sha256", .value = known->sha256 ? LogValue{*known->sha256} : LogValue{}},
            {.key = "statement", .value = known->statement.empty() ? LogValue{} : LogValue{known->statement}}};
}

/// A folder may change from its beginning to its end; so may a file.
void mark_folders(CaseLog& log, const fs::path& folder, const std::vector<RunOutput>& outputs,
                  void (*mark)(CaseLog&, const std::string&))
{
    for (const auto& output : outputs) {
        if (const auto place = place_in(output.path, folder); place && !output.is_secret) {
            mark(log, *place);
        }
    }
}

} // namespace

void describe(const ExportReport& report, RunOutcome& outcome)
{
    outcome.text =
        fmt::format("{} files, {} bytes, {} with losses", report.files, report.bytes.value, report.failed.size());
    outcome.data = {{.key = "files", .value = report.files},
                    {.key = "bytes", .value = report.bytes.value},
                    {.key = "failed", .value = report.failed.size()},
                    {.key = "manifest_sha256", .value = report.manifest_sha256}};
}

void describe(const ExtractReport& report, RunOutcome& outcome)
{
    std::vector<std::string> kinds;
    kinds.reserve(report.kinds.size());
    for (const auto& kind : report.kinds) {
        kinds.push_back(fmt::format("{}: {}", kind.name, kind.items));
    }
    outcome.text = fmt::format("{} files were taken out", report.files);
    outcome.data = {{.key = "files", .value = report.files},
                    {.key = "bytes", .value = report.bytes.value},
                    {.key = "kinds", .value = std::move(kinds)}};
}

Result<CaseRun> CaseRun::begin(CaseRunRequest request, const RunContext& context)
{
    std::vector<fs::path> folders;
    const auto add = [&folders](std::optional<fs::path> folder) {
        if (folder && std::ranges::find(folders, *folder) == folders.end()) {
            folders.push_back(*std::move(folder));
        }
    };
    add(is_case(request.source) ? std::optional{whole(request.source)} : std::nullopt);
    for (const auto& output : request.outputs) {
        add(case_around(output.path));
    }
    CaseRun run{std::move(request)};
    for (auto& folder : folders) {
        const auto path = folder / "log.jsonl";
        std::error_code ignored;
        if (::access((fs::exists(path, ignored) ? path : folder).c_str(), W_OK) != 0) {
            run.silent_.push_back(std::move(folder));
            continue;
        }
        Place place{.folder = std::move(folder), .log = SALVAGE_TRY(CaseLog::open(path, *context.clock))};
        record_interrupted(*place.log);
        run.tell_beginning(place);
        run.places_.push_back(std::move(place));
    }
    return run;
}

void CaseRun::tell_beginning(const Place& place) const
{
    const auto& invocation = request_.invocation;
    std::vector<LogField> data{{.key = "version", .value = invocation.version},
                               {.key = "verb", .value = invocation.verb},
                               {.key = "options", .value = invocation.options}};
    std::ranges::move(source_fields(request_.source, place.folder), std::back_inserter(data));
    std::vector<std::string> outputs;
    outputs.reserve(request_.outputs.size());
    for (const auto& output : request_.outputs) {
        outputs.push_back(whole(output.path).string());
    }
    data.push_back({.key = "outputs", .value = std::move(outputs)});
    place.log->write(request_.name + ".start",
                     fmt::format("salvage {} of {}", request_.name, printable(request_.source.string())), data);
    mark_folders(*place.log, place.folder, request_.outputs,
                 [](CaseLog& log, const std::string& name) { begin_folder(log, name); });
}

Result<> CaseRun::tell_written(const Place& place, const RunOutcome& outcome, const RunContext& context) const
{
    auto outputs = request_.outputs;
    outputs.insert(outputs.end(), outcome.outputs.begin(), outcome.outputs.end());
    const auto in_case = [&](const NamedFile& file) {
        if (auto inside = place_in(file.path, place.folder)) {
            record_file(*place.log, {.path = *std::move(inside), .size = file.size, .sha256 = file.sha256});
        }
    };
    for (const auto& output : outputs) {
        const auto path = whole(output.path);
        std::vector<LogField> data{{.key = "path", .value = path.string()}};
        std::error_code problem;
        if (fs::is_directory(path, problem)) {
            for (const auto& list : folder_lists) {
                if (!fs::is_regular_file(path / list.name, problem)) {
                    continue;
                }
                const auto file = SALVAGE_TRY(measured(path / list.name, outcome, context));
                data.push_back({.key = std::string{list.key}, .value = file.sha256});
                in_case(file);
            }
        } else if (!fs::is_regular_file(path, problem)) {
            continue; // a part of an image that is named otherwise, or nothing
        } else if (!output.is_secret) {
            const auto file = SALVAGE_TRY(measured(path, outcome, context));
            data.push_back({.key = "size", .value = file.size});
            data.push_back({.key = "sha256", .value = file.sha256});
            in_case(file);
        }
        place.log->write(request_.name + ".wrote", fmt::format("{} is written", printable(path.string())), data);
    }
    return {};
}

Result<> CaseRun::end(const Result<>& done, const RunOutcome& outcome, const RunContext& context)
{
    const auto places = std::exchange(places_, {}); // others may write from here on
    for (const auto& place : places) {
        record_findings(*place.log, outcome.findings);
        auto told = done.has_value() ? tell_written(place, outcome, context) : done;
        if (!told.has_value()) {
            record_ending(*place.log, request_.name, told.error());
            SALVAGE_TRY(done.has_value() ? std::move(told) : Result<>{});
            continue;
        }
        mark_folders(*place.log, place.folder, request_.outputs, [](CaseLog& log, const std::string& name) {
            finish_folder(log, name, fmt::format("{} is complete", name));
        });
        place.log->write(request_.name + ".done",
                         outcome.text.empty() ? fmt::format("salvage {} is done", request_.name) : outcome.text,
                         outcome.data);
    }
    return {};
}

} // namespace salvage::rescue
