// Claiming a case folder and keeping its case.json.
#include "salvage/rescue/case_folder.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "rescue/case_file.hpp"
#include "rescue/case_record.hpp"
#include "rescue/log_reader.hpp"

namespace salvage::rescue {
namespace {

Error other_dump(const std::filesystem::path& folder, const std::string& known, const std::string& found)
{
    return Error{ErrorCode::already_exists,
                 fmt::format("{} is the case of another dump", folder.string()),
                 fmt::format("its dump has {}, this one {}", known, found),
                 std::nullopt,
                 "name another folder with -o",
                 {}};
}

/// Makes the folder, or finds a case or the beginnings of one in it.
Result<> claim_folder(const std::filesystem::path& folder)
{
    std::error_code problem;
    std::filesystem::create_directories(folder, problem);
    if (problem) {
        return from_errno(problem.value(), "the case folder cannot be made", folder.string());
    }
    if (std::filesystem::exists(folder / "case.json", problem)) {
        return {};
    }
    // What a run that was killed at its very start leaves, and what an empty filesystem has.
    constexpr std::array<std::string_view, 3> beginnings{"log.jsonl", "case.json.partial", "lost+found"};
    for (std::filesystem::directory_iterator it{folder, problem};
         !problem && it != std::filesystem::directory_iterator{}; it.increment(problem)) {
        if (std::ranges::find(beginnings, it->path().filename().string()) == beginnings.end()) {
            return Error{
                ErrorCode::already_exists,          fmt::format("{} is not empty and not a case", folder.string()),
                "a case needs a folder of its own", std::nullopt,
                "name another folder with -o",      {}};
        }
    }
    return problem ? Result<>{from_errno(problem.value(), "the case folder cannot be listed", folder.string())}
                   : Result<>{};
}

/// What an earlier run over the same dump knew, or the little that a new case knows.
Result<CaseFile> known_of(const CaseRequest& request)
{
    const auto& folder = request.folder;
    if (std::error_code ignored; !std::filesystem::exists(folder / "case.json", ignored)) {
        return CaseFile{
            .dump = request.dump, .size = request.size, .sha256 = {}, .statement = request.statement, .verdict = {}};
    }
    auto known = SALVAGE_TRY(read_case_file(folder));
    if (known.size != request.size) {
        return other_dump(folder, fmt::format("{} bytes", known.size.value),
                          fmt::format("{} bytes", request.size.value));
    }
    return known;
}

void log_statement(CaseLog& log, const std::string& statement)
{
    const LogField right{.key = "statement", .value = statement.empty() ? LogValue{} : LogValue{statement}};
    log.write("case.statement", statement.empty() ? "no statement by what right this is done was given" : statement,
              {&right, 1});
}

void log_beginning(CaseLog& log, const std::string& statement)
{
    record_interrupted(log);
    log_statement(log, statement);
}

} // namespace

struct CaseFolder::State {
    std::filesystem::path path;
    std::unique_ptr<CaseLog> log;
    mutable std::mutex mutex; ///< of what follows
    CaseFile known;
    std::string noted;              ///< what case.json holds
    std::size_t logged_findings{0}; ///< of the caller's

    Result<> note()
    {
        auto document = case_document(known);
        if (document == noted) {
            return {};
        }
        SALVAGE_TRY(replace_recorded(*log, path, {.name = "case.json", .content = document}));
        noted = std::move(document);
        return {};
    }
};

CaseFolder::CaseFolder(std::unique_ptr<State> state) noexcept : state_{std::move(state)} {}
CaseFolder::~CaseFolder() = default;

bool is_case(const std::filesystem::path& folder)
{
    std::error_code ignored;
    return std::filesystem::is_regular_file(folder / "case.json", ignored);
}

Result<std::unique_ptr<CaseFolder>> CaseFolder::open(const CaseRequest& request, Clock& clock)
{
    SALVAGE_TRY(claim_folder(request.folder));
    auto state = std::make_unique<State>();
    state->path = request.folder;
    state->log = SALVAGE_TRY(CaseLog::open(request.folder / "log.jsonl", clock));
    auto known = known_of(request);
    if (!known.has_value()) {
        record_refusal(*state->log, log_event::rescue_run, known.error());
        return std::move(known).error();
    }
    state->known = *std::move(known);
    log_beginning(*state->log, request.statement.empty() ? state->known.statement : request.statement);
    return std::unique_ptr<CaseFolder>{new CaseFolder{std::move(state)}};
}

const std::filesystem::path& CaseFolder::path() const noexcept
{
    return state_->path;
}

CaseLog& CaseFolder::log() noexcept
{
    return *state_->log;
}

std::string CaseFolder::statement() const
{
    const std::scoped_lock lock{state_->mutex};
    return state_->known.statement;
}

std::string CaseFolder::verdict() const
{
    const std::scoped_lock lock{state_->mutex};
    return state_->known.verdict;
}

Result<> CaseFolder::note()
{
    const std::scoped_lock lock{state_->mutex};
    return state_->note();
}

Result<> CaseFolder::note_statement(std::string statement)
{
    const std::scoped_lock lock{state_->mutex};
    log_statement(*state_->log, statement);
    state_->known.statement = std::move(statement);
    return state_->note();
}

Result<> CaseFolder::note_source(const std::optional<std::string>& sha256)
{
    const std::scoped_lock lock{state_->mutex};
    auto& known = state_->known;
    if (known.sha256 && known.sha256 != sha256) {
        return other_dump(state_->path, "the SHA-256 " + *known.sha256,
                          "the SHA-256 " + sha256.value_or("(unknown: parts could not be read)"));
    }
    known.sha256 = sha256;
    return state_->note();
}

Result<> CaseFolder::note_verdict(std::string verdict)
{
    const std::scoped_lock lock{state_->mutex};
    state_->known.verdict = std::move(verdict);
    return state_->note();
}

void CaseFolder::note_findings(std::span<const Finding> all)
{
    const std::scoped_lock lock{state_->mutex};
    record_findings(*state_->log, all.subspan(std::min(state_->logged_findings, all.size())));
    state_->logged_findings = all.size();
}

} // namespace salvage::rescue
