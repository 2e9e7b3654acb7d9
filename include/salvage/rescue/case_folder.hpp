// A case folder that is being worked in: made or gone on with, its log and what case.json says.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "salvage/core/finding.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/rescue/case_log.hpp"
#include "salvage/rescue/dump.hpp"

namespace salvage::rescue {

/// What to open for a path a user names: the request as it is, or for a case folder the dump it belongs to, with the
/// layout, footer and map of the case where `request` names none.
/// Errors: not_found (a folder that is no case), malformed, io.
[[nodiscard]] Result<DumpRequest> resolve_case(const DumpRequest& request);

/// Whether `folder` holds a case.json.
[[nodiscard]] bool is_case(const std::filesystem::path& folder);

struct CaseRequest {
    std::filesystem::path folder; ///< made where it is missing; a case of the same dump goes on
    DumpRequest dump;             ///< as resolve_case() leaves it
    ByteCount size;               ///< of the dump
    std::string statement;        ///< by what right the user acts; empty: what the case has already
};

/// Thread safe.  Nobody else writes into the case while this lives.
class CaseFolder {
public:
    /// Logs what an earlier run left undone and the statement.
    /// Errors: io; already_exists (not empty and no case; the case of another dump; another run writes into it).
    [[nodiscard]] static Result<std::unique_ptr<CaseFolder>> open(const CaseRequest& request, Clock& clock);

    [[nodiscard]] const std::filesystem::path& path() const noexcept;
    [[nodiscard]] CaseLog& log() noexcept;
    [[nodiscard]] std::string statement() const;
    /// As the case knows it from an earlier run; empty where there is none.
    [[nodiscard]] std::string verdict() const;

    /// Writes case.json where it has something new to say.  Errors: io, no_space.
    Result<> note();
    Result<> note_statement(std::string statement);
    /// Keeps the dump's hash.  Errors: already_exists (the case keeps another); as note().
    Result<> note_source(const std::optional<std::string>& sha256);
    Result<> note_verdict(std::string verdict);
    /// Logs those of `all` that were not logged yet: findings only grow.
    void note_findings(std::span<const Finding> all);

    CaseFolder(const CaseFolder&) = delete;
    CaseFolder& operator=(const CaseFolder&) = delete;
    ~CaseFolder();

private:
    struct State;
    explicit CaseFolder(std::unique_ptr<State> state) noexcept;
    std::unique_ptr<State> state_;
};

} // namespace salvage::rescue
