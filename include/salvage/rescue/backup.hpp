// Copies of a case in other places: made, read back, checked part by part, mended.  See docs/formats/backup.md.
//
// What is known of the copies stands in the case, in backups/; each copy has its own list of hashes beside it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/core/units.hpp"
#include "salvage/rescue/command.hpp"

namespace salvage::rescue {

/// The unit in which copies are hashed, checked in parts, and mended.
inline constexpr ByteCount backup_piece{16U << 20U};

enum class BackupKind : std::uint8_t { folder, restic };
[[nodiscard]] std::string_view to_string(BackupKind kind) noexcept; ///< "folder", "restic"

/// Where a copy is and what it lies on.
struct BackupTarget {
    BackupKind kind{BackupKind::folder};
    std::string address;       ///< absolute path of a folder, or a repository as restic names it
    std::string medium;        ///< "disk", "stick", "tape", "cloud"; empty in a request: as it was, or disk
    std::string place;         ///< in the owner's words; empty: where the case is, or in a request as it was
    std::string password_file; ///< of a repository; the path alone is kept
};
/// "restic:REPO" is a repository, anything else a folder.
[[nodiscard]] BackupTarget backup_target_of(const std::string& named);

/// How messages name the case among its copies.
inline constexpr std::string_view the_case = "the case";

/// Bytes of a copy that are not what was copied.
struct BackupMismatch {
    std::string copy;                           ///< its address, or "the case"
    std::string path;                           ///< in the case
    ByteRange range;                            ///< of the piece
    std::string code;                           ///< stable: missing, size, sha256, unreadable
    std::optional<ByteOffset> first_difference; ///< in the file; nothing where no right copy was there to compare with
    std::string text;                           ///< which copies are right, and by what
};

/// How a copy stands.
struct BackupCopy {
    std::string id;
    BackupTarget target;
    bool is_whole{false}; ///< everything was copied and read back
    std::uint64_t files{};
    ByteCount bytes;
    std::optional<std::chrono::seconds> added;   ///< since 1970 UTC, when it became whole
    std::optional<std::chrono::seconds> checked; ///< when the last part of a full check was done
    std::uint32_t parts{0};                      ///< of a check under way: in how many parts
    std::vector<std::uint32_t> parts_done;       ///< and which of them are done, from 1
    std::vector<BackupMismatch> mismatches;      ///< known and not mended; the first hundred
    std::uint64_t mismatch_count{};
    std::uint64_t changed{};                ///< files of the case that are newer than the copy
    std::optional<std::string> unreachable; ///< why it cannot be looked at now
    bool is_on_case_device{false};          ///< on the same filesystem as the case
    [[nodiscard]] bool is_good() const noexcept { return is_whole && mismatch_count == 0 && changed == 0; }
};

struct BackupReport {
    std::string case_folder;
    std::string text; ///< one sentence
    std::vector<BackupCopy> copies;
    unsigned good_copies{}; ///< the case among them
    unsigned media{};       ///< of good copies
    unsigned places{};
    ByteCount bytes;                        ///< read or written by this run
    std::vector<BackupMismatch> mismatches; ///< of this run, the case's own among them
    std::uint64_t repaired{};               ///< pieces
    unsigned copies_read{};                 ///< by verify_backups: those that were there and whole
    /// No copy is known to differ from what was copied.
    [[nodiscard]] bool is_sound() const noexcept;
};

struct BackupAddRequest {
    std::filesystem::path case_folder;
    BackupTarget target;
};
/// Copies the case, or what is new in it, and reads all of it back from the medium.  What an interrupted run has done
/// is kept.  A file whose hash the case log knows and that has another one is not copied.
///
/// Progress: step "backup", unit "bytes", read and read back.
/// Errors: not_found (no case; no restic), already_exists (the folder holds something else, or another run writes),
/// invalid_argument (the copy would lie in the case, or the case in it), no_space, mismatch (the case is not as its log
/// says; the medium gave back something else), io, cancelled.
[[nodiscard]] Result<BackupReport> add_backup(const BackupAddRequest& request, CommandRunner& runner,
                                              const RunContext& context);

/// The n-th of m parts.
struct BackupPart {
    std::uint32_t number{1};
    std::uint32_t of{1};
};
/// Errors: invalid_argument.  "3/30"; up to 10,000 parts.
[[nodiscard]] Result<BackupPart> parse_backup_part(const std::string& text);

/// Reads every copy that is there, or its part, past the page cache; and what was copied and is in the case unchanged.
/// What differs is in the report; of the case, in this one alone.  Progress: step "verify", unit "bytes".  Errors:
/// not_found (no case, no copies), io (the case), cancelled.
[[nodiscard]] Result<BackupReport> verify_backups(const std::filesystem::path& case_folder, BackupPart part,
                                                  CommandRunner& runner, const RunContext& context);

/// From what is known; reads no copy.  Errors: not_found (no case), malformed (its records), io.
[[nodiscard]] Result<BackupReport> backup_status(const std::filesystem::path& case_folder, const RunContext& context);

/// Checks every copy in full and writes right pieces, read and hashed a moment before, over wrong ones; then reads
/// those back.  Files of the case itself are not written, and repositories are restic's to mend.  Errors: as
/// verify_backups.
[[nodiscard]] Result<BackupReport> repair_backups(const std::filesystem::path& case_folder, const RunContext& context);

} // namespace salvage::rescue
