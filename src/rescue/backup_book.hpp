// What a case knows of its copies: a record and a list of files for each, in CASE/backups.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "rescue/backup_list.hpp"
#include "salvage/core/owned_descriptor.hpp"
#include "salvage/core/result.hpp"
#include "salvage/rescue/backup.hpp"

namespace salvage::rescue {

/// A list of files that grows while they are copied; a cut-off last line is passed over.
class BackupList {
public:
    /// Reads what is there.  Errors: io.
    [[nodiscard]] static Result<BackupList> open(const std::filesystem::path& path);
    [[nodiscard]] const BackupFiles& files() const noexcept { return files_; }
    /// Adds the line and waits until the medium has it.  Errors: io, no_space.
    Result<> add(BackupFile file);
    /// All of it as one document, by path.
    [[nodiscard]] std::string document() const;

private:
    explicit BackupList(std::filesystem::path path) : path_{std::move(path)} {}
    std::filesystem::path path_;
    OwnedDescriptor file_; ///< open for appending once add() was called
    BackupFiles files_;
};

/// Locked: one run at a time.  Move-only.
class BackupBook {
public:
    /// Errors: not_found (no case), already_exists (another run has it), io, malformed (a record).
    [[nodiscard]] static Result<BackupBook> open(const std::filesystem::path& case_folder);

    [[nodiscard]] const std::filesystem::path& case_folder() const noexcept { return case_folder_; }
    [[nodiscard]] std::vector<BackupCopy>& copies() noexcept { return copies_; }
    /// The copy at that address; nothing where there is none.
    [[nodiscard]] BackupCopy* at(const BackupTarget& target) noexcept;
    BackupCopy& add(BackupCopy copy);
    /// Errors: io, no_space.
    Result<> save(const BackupCopy& copy) const;
    [[nodiscard]] std::filesystem::path list_path(const BackupCopy& copy) const;

private:
    BackupBook(std::filesystem::path case_folder, OwnedDescriptor lock)
        : case_folder_{std::move(case_folder)}, lock_{std::move(lock)}
    {
    }
    std::filesystem::path case_folder_;
    OwnedDescriptor lock_;
    std::vector<BackupCopy> copies_;
};

/// The file in a copy's folder that says whose copy it is.
inline constexpr std::string_view backup_mark = "salvage-backup.json";
inline constexpr std::string_view backup_list_name = "salvage-backup.jsonl";
inline constexpr std::string_view backup_under_way =
    "salvage-backup.new"; ///< with ".partial": a file that is being copied

/// Whether the folder at the copy's address is that copy: empty where it is, else why not.
[[nodiscard]] std::string why_unreachable(const BackupCopy& copy);

/// Adds to what is known to be wrong with the copy: the first hundred, and how many there are.
void keep_mismatches(BackupCopy& copy, const std::vector<BackupMismatch>& found);

/// What a person reads first, and the numbers it is made of.
void judge_backups(BackupReport& report, std::chrono::seconds now);
/// Which files of the case are newer than the copy, and whether it is there at all.
Result<> look_at_copy(const BackupBook& book, BackupCopy& copy);

} // namespace salvage::rescue
