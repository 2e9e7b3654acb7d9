// A copy in a folder: copying into it, reading it back, checking and mending its pieces.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "rescue/backup_book.hpp"
#include "rescue/backup_medium.hpp"
#include "salvage/core/owned_descriptor.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"

namespace salvage::rescue {

/// Counts bytes for the progress of one verb.
class BackupProgress {
public:
    BackupProgress(std::string_view step, std::optional<std::uint64_t> total, const RunContext& context)
        : step_{step}, total_{total}, context_{&context}
    {
    }
    /// Errors: cancelled.
    Result<> add(std::uint64_t bytes)
    {
        done_ += bytes;
        context_->progress->update({.step = step_, .unit = "bytes", .done = done_, .total = total_});
        return context_->is_stopped() ? cancelled("working on the copies") : Result<>{};
    }
    [[nodiscard]] std::uint64_t done() const noexcept { return done_; }

private:
    std::string_view step_;
    std::optional<std::uint64_t> total_;
    const RunContext* context_;
    std::uint64_t done_{0};
};

/// Copies a file or link of the case and reads it back.  `expected`: its SHA-256, where the case log knows it.
/// Errors: mismatch (another content than expected; the medium gave back something else: then nothing is left there),
/// no_space, io, cancelled.
[[nodiscard]] Result<BackupFile> copy_into(const std::filesystem::path& case_folder, const CaseEntry& entry,
                                           const std::filesystem::path& target,
                                           const std::optional<std::string>& expected, BackupProgress& progress);

/// A folder whose pieces can be asked for.
struct PieceHolder {
    std::string name; ///< its address, or "the case"
    OwnedDescriptor folder;
};
/// Errors: io.
[[nodiscard]] Result<PieceHolder> open_holder(std::string name, const std::filesystem::path& folder);

/// What a holder has of a piece: its hash, or why not ("missing", "unreadable").
struct PieceState {
    std::optional<std::string> sha256;
    std::string why;
};

/// Looks at a file's pieces one after the other; keeps the file open.  Not thread safe.
class PieceReader {
public:
    PieceReader(const PieceHolder& holder, const BackupFile& file);
    [[nodiscard]] PieceState hash(std::size_t piece);
    /// The bytes of a piece, as many as are there.
    [[nodiscard]] Result<Bytes> bytes(std::size_t piece);
    /// Nothing where it cannot be opened.
    [[nodiscard]] std::optional<std::uint64_t> size() const noexcept;
    [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

private:
    const BackupFile* file_;
    std::optional<MediumFile> opened_;
    std::string problem_;
};

/// What the link is that a holder has at the file's path; nothing where there is none.
[[nodiscard]] std::optional<std::string> link_of(const PieceHolder& holder, const BackupFile& file);

/// Writes right bytes over a piece, or makes the file, and reads them back.
/// Errors: io, no_space, mismatch (the medium gave back something else).
Result<> mend_piece(const std::filesystem::path& target, const BackupFile& file, std::size_t piece, ByteView right);
/// Gives the file its size, and a link its target.  Errors: io.
Result<> mend_shape(const std::filesystem::path& target, const BackupFile& file);

} // namespace salvage::rescue
