// What a case's log says of a run that takes something out of a dump: export, decrypt, extract, split …
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "salvage/core/finding.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/rescue/case_log.hpp"
#include "salvage/rescue/rescue.hpp"

namespace salvage::rescue {

/// A file or folder that a run writes.
struct RunOutput {
    std::filesystem::path path;
    bool is_secret{false}; ///< a key: its size and hash would give it away
};

struct CaseRunRequest {
    std::string name;             ///< "export": its records are export.start, export.wrote, export.done …
    std::filesystem::path source; ///< as the user named it: a case, or a dump
    std::vector<RunOutput> outputs;
    Invocation invocation;
};

/// What came of it.
struct RunOutcome {
    std::string text;                         ///< one sentence; empty: a plain one
    std::vector<LogField> data;               ///< facts for programs.  Never a secret
    std::vector<Finding> findings;            ///< of the source
    std::vector<RunOutput> outputs;           ///< written beside those that were asked for
    std::map<std::string, std::string> known; ///< SHA-256 of written files that the run took on its way, by their path
};

struct ExportReport;
struct ExtractReport;
/// Fills in the sentence and the facts.
void describe(const ExportReport& report, RunOutcome& outcome);
void describe(const ExtractReport& report, RunOutcome& outcome);

/// Writes into the log of each case that is the source or that an output lies in; into none where there is none.
/// No other run writes into those cases from begin() to end().  Movable.
class CaseRun {
public:
    /// Errors: io; already_exists (another run writes into the case).
    [[nodiscard]] static Result<CaseRun> begin(CaseRunRequest request, const RunContext& context);

    /// What was written where with which hash, and how the run ended.  An output that lies in the case is recorded so
    /// that verify_case checks it: a file as such, a folder by its lists.  Nothing of an output is read where no case
    /// is told, and of a folder its lists alone.  Errors: io, cancelled.
    Result<> end(const Result<>& done, const RunOutcome& outcome, const RunContext& context);

    /// Cases whose log cannot be written: on a read-only medium, or another user's.
    [[nodiscard]] const std::vector<std::filesystem::path>& silent() const noexcept { return silent_; }

private:
    struct Place {
        std::filesystem::path folder; ///< canonical
        std::unique_ptr<CaseLog> log;
    };
    explicit CaseRun(CaseRunRequest request) : request_{std::move(request)} {}
    void tell_beginning(const Place& place) const;
    Result<> tell_written(const Place& place, const RunOutcome& outcome, const RunContext& context) const;

    CaseRunRequest request_;
    std::vector<Place> places_;
    std::vector<std::filesystem::path> silent_;
};

} // namespace salvage::rescue
