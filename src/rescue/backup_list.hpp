// What a copy holds: files and links of the case with the hashes of their pieces.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "salvage/core/result.hpp"
#include "salvage/core/units.hpp"

namespace salvage::rescue {

/// A file as it was copied.
struct BackupFile {
    std::string path; ///< in the case, with '/'
    std::uint64_t size{};
    std::int64_t mtime{};            ///< nanoseconds since 1970, of the case's file
    std::string sha256;              ///< hex; empty where another program keeps the hashes
    std::vector<std::string> pieces; ///< SHA-256 of every backup_piece, hex; the last is shorter; of an empty file none
    std::string link;                ///< target, of a symbolic link; everything else is empty then
    [[nodiscard]] bool is_link() const noexcept { return !link.empty(); }
    [[nodiscard]] ByteRange piece(std::size_t index) const noexcept;
};
using BackupFiles = std::map<std::string, BackupFile>;

/// One line of JSON.
[[nodiscard]] std::string backup_line(const BackupFile& file);
/// Nothing where the line is no file's: its path leads out of the case, the pieces do not fit the size …
[[nodiscard]] std::optional<BackupFile> parse_backup_line(std::string_view line);

inline constexpr std::string_view case_log_name = "log.jsonl";

/// A file's or link's place in the case as it is now, without hashes.
struct CaseEntry {
    std::string path;
    std::uint64_t size{};
    std::int64_t mtime{};
    std::uint64_t allocated{}; ///< bytes on the medium
    std::string link;
};
/// All files and links of a case, by path; what is under way (.partial), locks, the list of copies and other kinds are
/// left out.  Errors: io, not_found.
[[nodiscard]] Result<std::vector<CaseEntry>> list_case(const std::filesystem::path& case_folder);

/// Whether the case's file is still the one that was copied, as far as size and time tell.
[[nodiscard]] bool is_unchanged(const CaseEntry& now, const BackupFile& copied) noexcept;

} // namespace salvage::rescue
