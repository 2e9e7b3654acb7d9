// Inside rescue: the journal of a restore, one JSON object a line, only ever added to.  docs/formats/restore-plan.md.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "rescue/target_tree.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/rescue/restore.hpp"

namespace salvage::rescue {

/// How far a step has come.
struct StepProgress {
    bool is_done{false};
    RestoreTarget::Pieces pieces; ///< that it was begun with; count 0: not begun
    std::size_t next{0};          ///< pieces before this one were accepted
    bool operator==(const StepProgress&) const = default;
};

/// What a journal says.
struct JournalState {
    bool has_begun{false};
    std::string plan;  ///< hash
    std::string phone; ///< identity
    std::vector<StepProgress> steps;
    bool is_torn{false}; ///< the last line was cut off; it counts for nothing
    bool operator==(const JournalState&) const = default;
};
/// Lines that are not ours are passed over; a line without its end counts for nothing, so that its work is done again.
[[nodiscard]] JournalState parse_journal(std::string_view text, std::size_t steps);
/// Of a file that may not exist.  Errors: io, unsupported (too large).
[[nodiscard]] Result<JournalState> read_journal(const std::filesystem::path& path, std::size_t steps);

/// A journal being written.  Every record is on the medium when its function returns.  Move-only.
class RestoreJournal {
public:
    /// `state` is what read_journal said: a cut-off line is ended first.
    /// Errors: io, already_exists (another run writes it, or has gone on since).
    [[nodiscard]] static Result<RestoreJournal> open(const std::filesystem::path& path, const JournalState& state,
                                                     Clock& clock);
    Result<> begin(const std::string& plan, const std::string& phone);
    Result<> begin_step(std::size_t step, const std::string& partition, const RestoreTarget::Pieces& pieces);
    Result<> piece_done(std::size_t step, std::size_t piece);
    Result<> step_done(std::size_t step);
    /// Best effort: there is an error to be reported already.
    void failed(std::size_t step, std::size_t piece, const Error& error);
    Result<> end();

private:
    RestoreJournal(OwnedDescriptor file, std::filesystem::path path, Clock& clock);
    Result<> append(std::string line);

    OwnedDescriptor file_;
    std::filesystem::path path_;
    Clock* clock_;
};

} // namespace salvage::rescue
