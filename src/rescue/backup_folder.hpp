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

/// A folder that holds a case or a copy of it.  Everything in it is reached from its descriptor, over no symbolic link.
struct PieceHolder {
    std::string name;           ///< its address, or "the case"
    std::filesystem::path path; ///< as it was opened
    OwnedDescriptor folder;
};
/// Errors: io.
[[nodiscard]] Result<PieceHolder> open_holder(std::string name, const std::filesystem::path& folder);

/// Copies a file or link of the case, reads it back, and gives it its name then: an older copy of it stays until that.
/// What it is called is on the medium when this returns.  `expected`: its SHA-256, where the case log knows it.
/// Errors: mismatch (another content than expected; the medium gave back something else: then nothing new is left
/// there), already_exists (a link or file stands where a folder should be), no_space, io, cancelled.
[[nodiscard]] Result<BackupFile> copy_into(const PieceHolder& source, const CaseEntry& entry, const PieceHolder& target,
                                           const std::optional<std::string>& expected, BackupProgress& progress);

/// Whether something of the entry's kind and size, or a link with its target, is there.  Reads no content.
[[nodiscard]] bool has_shape(const PieceHolder& holder, const CaseEntry& entry);

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

/// What the link is that a holder has there; nothing where there is none.
[[nodiscard]] std::optional<std::string> link_of(const PieceHolder& holder, const std::string& path);

/// Writes right bytes over a piece and reads them back.
/// Errors: already_exists (the file has a second name, that would change with it), io, no_space, mismatch (the medium
/// gave back something else).
Result<> mend_piece(const PieceHolder& target, const BackupFile& file, std::size_t piece, ByteView right);
/// Makes the file where it is missing, and gives it its size, or a link its target.  Errors: as mend_piece.
Result<> mend_shape(const PieceHolder& target, const BackupFile& file);
/// Gives a mended file its time.  Best effort: nobody relies on it.
void mend_time(const PieceHolder& target, const BackupFile& file);

} // namespace salvage::rescue
