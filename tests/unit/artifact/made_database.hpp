// Databases for tests, made by SQLite itself.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

#include <sqlite3.h>

#include "salvage/artifact/sqlite.hpp"
#include "salvage/io/sources.hpp"
#include "support/files.hpp"

namespace salvage::test {

/// A connection of a phone's own kind: it writes.  Closing it moves a WAL into the database.
class PhoneDatabase {
public:
    explicit PhoneDatabase(const std::filesystem::path& path) : path_{path}
    {
        if (sqlite3_open(path.c_str(), &connection_) != SQLITE_OK) {
            throw std::runtime_error{"cannot make a database"};
        }
    }
    PhoneDatabase(const PhoneDatabase&) = delete;
    PhoneDatabase& operator=(const PhoneDatabase&) = delete;
    ~PhoneDatabase() { sqlite3_close(connection_); }

    PhoneDatabase& run(const std::string& sql)
    {
        char* problem = nullptr;
        if (sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, &problem) != SQLITE_OK) {
            throw std::runtime_error{std::string{problem} + " in: " + sql.substr(0, 200)};
        }
        return *this;
    }
    [[nodiscard]] sqlite3* connection() const noexcept { return connection_; }
    /// The files as they lie there now, as a copy of a running phone has them.
    [[nodiscard]] artifact::DatabaseFiles files() const
    {
        const auto part = [&](const char* ending) {
            const auto path = path_.string() + ending;
            return std::filesystem::exists(path) ? io::make_memory(read_file(path), path) : nullptr;
        };
        return {.database = part(""), .wal = part("-wal"), .journal = part("-journal")};
    }

private:
    std::filesystem::path path_;
    sqlite3* connection_{nullptr};
};

/// The bytes of a database that was closed properly.
inline Bytes made_database(const std::string& sql)
{
    const TemporaryFolder folder;
    PhoneDatabase{folder.path() / "made.db"}.run(sql);
    return read_file(folder.path() / "made.db");
}

inline artifact::DatabaseFiles database_files(Bytes bytes)
{
    return {.database = io::make_memory(std::move(bytes), "made.db")};
}

} // namespace salvage::test
