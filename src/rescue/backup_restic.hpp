// A copy in a repository of restic: restic copies, encrypts and checks; we say when and keep the record.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/rescue/backup.hpp"

namespace salvage::rescue {

/// Makes the repository where there is none, and a snapshot of the case in it; sets the copy's numbers.
/// Errors: not_found (no restic), refused (restic's own words), cancelled.
Result<> restic_backup(const std::filesystem::path& case_folder, BackupCopy& copy, CommandRunner& runner,
                       const RunContext& context);

/// Why the repository cannot be looked at now, in restic's words; nothing where it can.  Errors: cancelled.
[[nodiscard]] Result<std::optional<std::string>> restic_unreachable(const BackupCopy& copy, CommandRunner& runner,
                                                                    const RunContext& context);

/// Has restic read the repository's packs, all of them or their n-th of m.  What it finds wrong is a mismatch.
/// Errors: not_found (no restic), cancelled.
[[nodiscard]] Result<std::vector<BackupMismatch>> restic_check(const BackupCopy& copy, BackupPart part,
                                                               CommandRunner& runner, const RunContext& context);

} // namespace salvage::rescue
