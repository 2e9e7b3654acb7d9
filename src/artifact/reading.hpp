// Opening a phone's databases and keeping book of what was found in them.
#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/artifact/extraction.hpp"

namespace salvage::artifact {

/// A database that is being read, with its report.
class OpenDatabase {
public:
    /// Nothing where there is no such file; where there is one that cannot be opened, the report says why.
    /// Errors: cancelled.
    [[nodiscard]] static Result<std::optional<OpenDatabase>> open(const Extraction& extraction, const std::string& path,
                                                                  KindReport& report);

    /// Reads `table` where it is there, Bounds::rows_a_table rows of it at most.  `columns` that are not are noted.
    /// Errors: those of `visit`; cancelled.
    Result<> each(std::string_view table, std::span<const std::string_view> columns,
                  const std::function<Result<>(const Row&)>& visit);
    /// One row, or nothing; what is wrong is noted.  Errors: cancelled.
    Result<std::optional<Row>> row(std::string_view table, std::span<const std::string_view> columns,
                                   std::int64_t rowid);
    [[nodiscard]] bool has(std::string_view table) const { return database_.find_table(table) != nullptr; }
    [[nodiscard]] bool has(std::string_view table, std::string_view column) const;
    [[nodiscard]] Origin origin(std::string_view table, const Row& row) const;
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] Database& database() noexcept { return database_; }
    [[nodiscard]] const DatabaseFiles& files() const noexcept { return files_; }
    /// Notes a problem of this database's.
    void add_problem(std::string problem) { report_.problems.push_back(std::move(problem)); }
    /// Whether so many more bytes of this database may be kept in memory: Bounds::kept_a_database.  Where not, the
    /// entry counts as left out.
    [[nodiscard]] bool may_keep(std::size_t bytes) noexcept;
    /// Counts an entry that is beyond all bounds.
    void leave_out() noexcept { ++left_out_; }
    /// Counts a table as read without reading it now.
    void note_read(std::string_view table, std::span<const std::string_view> columns);
    /// Adds what was found to the report of the kind.
    void close(KindReport& report);

private:
    OpenDatabase(Database database, DatabaseFiles files, std::string path, const Bounds& bounds)
        : database_{std::move(database)}, files_{std::move(files)}, path_{std::move(path)}, bounds_{bounds}
    {
    }

    Database database_;
    DatabaseFiles files_;
    std::string path_;
    Bounds bounds_;
    std::size_t kept_{0};          ///< bytes
    std::uint64_t left_out_{0};    ///< entries there was no room for
    bool has_rows_missing_{false}; ///< noted once, not for every row
    DatabaseReport report_;
};

/// The first of these paths where there is a file, or nothing.
[[nodiscard]] std::optional<std::string> first_file(const PhoneFiles& files, std::span<const std::string> paths);

/// Where an app's folder may be: of the first user in the places of Android 4 to 9, then of others.
[[nodiscard]] std::vector<std::string> app_folders(const PhoneFiles& files, std::string_view package);

/// A small file's bytes.  Nothing where there is none; a problem is noted.
[[nodiscard]] std::optional<Bytes> small_file(const Extraction& extraction, const std::string& path,
                                              KindReport& report);

/// Writes a whole text at once.  Errors: those of the sink.
Result<> write_text(Extraction& extraction, KindReport& report, const std::string& path, std::string_view text);

} // namespace salvage::artifact
