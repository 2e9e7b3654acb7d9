// Records of files: first what will be written, then what was.
#include "rescue/case_record.hpp"

#include <array>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "rescue/log_reader.hpp"
#include "rescue/out_folder.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/rescue/look.hpp"

namespace salvage::rescue {
namespace {

// As for the state of a split: some hundred bytes a part.
constexpr ByteCount max_manifest{64ULL << 20U};

void record(CaseLog& log, std::string_view event, const NamedFile& file)
{
    const auto* const verb = event == log_event::file_planned ? "is about to be written" : "is written";
    const std::array<LogField, 3> data{LogField{.key = "path", .value = file.path},
                                       LogField{.key = "size", .value = file.size},
                                       LogField{.key = "sha256", .value = file.sha256}};
    log.write(event, fmt::format("{} {}", file.path, verb), data);
}

void record_error(CaseLog& log, std::string_view event, const Error& error)
{
    const LogField code{.key = "code", .value = std::string{to_string(error.code)}};
    log.write(event, to_string(error), {&code, 1});
}

} // namespace

Result<> replace_recorded(CaseLog& log, const std::filesystem::path& case_folder, const CaseDocument& document)
{
    const NamedFile file{.path = document.name,
                         .size = document.content.size(),
                         .sha256 = to_hex(crypto::sha256(as_bytes(document.content)))};
    record(log, log_event::file_planned, file);
    SALVAGE_TRY(
        io::write_file_atomically(case_folder / document.name, as_bytes(document.content), io::Existing::replace));
    record(log, log_event::file_written, file);
    return {};
}

Result<> record_files(CaseLog& log, const std::filesystem::path& case_folder, std::span<const std::string> names)
{
    for (const auto& name : names) {
        std::error_code problem;
        const auto size = std::filesystem::file_size(case_folder / name, problem);
        if (problem) {
            return from_errno(problem.value(), "a file of the case cannot be read", (case_folder / name).string());
        }
        record(log, log_event::file_written,
               {.path = name, .size = size, .sha256 = SALVAGE_TRY(sha256_of_file(case_folder / name))});
    }
    return {};
}

Result<> record_parts(CaseLog& log, const std::filesystem::path& case_folder)
{
    const auto file = SALVAGE_TRY(io::open_file(case_folder / "parts" / "manifest.json"));
    const auto bytes = SALVAGE_TRY(io::read_all(*file, max_manifest));
    const auto manifest = parse_object(as_text(bytes));
    const auto parts = manifest ? manifest->find("parts") : decltype(manifest->find("parts")){};
    if (!manifest || parts == manifest->end() || !parts->is_array()) {
        return malformed(ByteOffset{0}, "parts/manifest.json is not what a split writes");
    }
    for (const auto& part : *parts) {
        auto name = get_text(part, "file");
        const auto size = get_number(part, "size");
        auto sha256 = get_text(part, "stored_sha256");
        if (name && size && sha256) {
            record(log, log_event::file_written, {.path = "parts/" + *name, .size = *size, .sha256 = *sha256});
        }
    }
    return record_files(log, case_folder, std::array<std::string, 2>{"parts/SHA256SUMS", "parts/manifest.json"});
}

void record_file(CaseLog& log, const NamedFile& file)
{
    record(log, log_event::file_written, file);
}

void record_interrupted(CaseLog& log)
{
    const auto& interrupted = log.memory().interrupted;
    if (!interrupted) {
        return;
    }
    const LogField record{.key = "record", .value = interrupted->record};
    log.write(fmt::format("{}.interrupted", interrupted->run),
              fmt::format("the run that began with record {} was interrupted: it wrote no end", interrupted->record),
              {&record, 1});
}

void record_refusal(CaseLog& log, std::string_view run, const Error& error)
{
    record_error(log, fmt::format("{}.refused", run), error);
}

void record_ending(CaseLog& log, std::string_view run, const Error& error)
{
    if (error.code == ErrorCode::already_exists || error.code == ErrorCode::refused ||
        error.code == ErrorCode::mismatch) {
        record_refusal(log, run, error);
    }
    record_error(log, fmt::format("{}.ended", run), error);
}

void record_findings(CaseLog& log, std::span<const Finding> findings)
{
    for (const auto& finding : findings) {
        std::vector<LogField> data{{.key = "code", .value = finding.code},
                                   {.key = "severity", .value = std::string{to_string(finding.severity)}}};
        if (!finding.where.partition.empty()) {
            data.push_back({.key = "partition", .value = finding.where.partition});
        }
        if (finding.where.offset) {
            data.push_back({.key = "offset", .value = finding.where.offset->value});
        }
        log.write("finding", finding.text, data);
    }
}

void begin_folder(CaseLog& log, std::string_view name)
{
    const LogField path{.key = "path", .value = std::string{name}};
    log.write(log_event::folder_begin, fmt::format("{}/ is about to be written", name), {&path, 1});
}

void finish_folder(CaseLog& log, std::string_view name, std::string_view text)
{
    const LogField path{.key = "path", .value = std::string{name}};
    log.write(log_event::folder_done, text, {&path, 1});
}

Result<> add_to_case(const std::filesystem::path& case_folder, std::span<const CaseDocument> documents, Clock& clock)
{
    const auto log = SALVAGE_TRY(CaseLog::open(case_folder / "log.jsonl", clock));
    for (const auto& document : documents) {
        SALVAGE_TRY(replace_recorded(*log, case_folder, document));
    }
    return {};
}

} // namespace salvage::rescue
