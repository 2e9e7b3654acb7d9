// How a Database is done: the connection to SQLite, what is known of its tables, and the bounds of what it may cost.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <sqlite3.h>

#include "artifact/row_places.hpp"
#include "artifact/sqlite_files.hpp"
#include "salvage/artifact/sqlite.hpp"

namespace salvage::artifact {

struct FinalizeStatement {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};
using StatementPtr = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

/// An identifier as it stands in SQL.
[[nodiscard]] std::string sql_name(std::string_view name);
/// As SQLite compares names: ASCII letters without case.
[[nodiscard]] bool is_same_name(std::string_view left, std::string_view right) noexcept;

/// Not thread safe; stays where it is.
struct Database::State {
    State(DatabaseFiles files, std::stop_token token);

    /// Opens, hardens, reads the list of tables.  Errors: as Database::open.
    Result<> connect();
    /// What SQLite's last answer means.
    [[nodiscard]] Error error(std::string_view what);
    Result<StatementPtr> prepare(const std::string& sql);
    /// The next row of a `selection` of so many columns; nothing at the end.
    /// Errors: cancelled, malformed, unreadable, io, unsupported.
    Result<std::optional<Row>> step(sqlite3_stmt* statement, std::size_t columns, const Table& table);
    /// "SELECT rowid, columns … FROM table", without an order.
    std::string selection(const Table& table, std::span<const std::string_view> columns);
    /// The prepared `selection` of one row by its rowid, ?1; null: the table has none.
    Result<sqlite3_stmt*> row_statement(const Table& table, std::span<const std::string_view> columns);
    /// Any of the names that SQLite has for it, unless a column has taken it; empty: it has none.
    const std::string& rowid_name(const Table& table);
    [[nodiscard]] const Table* find(std::string_view name) const noexcept;
    /// Errors: not_found.
    [[nodiscard]] Result<const Table*> require(std::string_view name) const;
    [[nodiscard]] std::optional<ByteOffset> place_of(std::string_view table, std::int64_t rowid);
    /// Of all files.
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] const std::vector<Table>& tables() const noexcept { return tables_; }
    [[nodiscard]] std::int64_t version() const noexcept { return version_; }

private:
    struct CloseConnection {
        void operator()(sqlite3* database) const noexcept { sqlite3_close_v2(database); }
    };
    struct RowStatement {
        std::string table;
        std::vector<std::string> columns;
        StatementPtr statement;
    };
    static int ask(void* self);
    Result<> harden();
    Result<> execute(const char* sql);
    Result<> read_tables();
    Result<Table> read_table(std::string name);
    /// Errors: unsupported (more was given than the files can hold).
    [[nodiscard]] Result<> check_given(const Table& table) const;

    std::stop_token stop_;
    std::uint64_t bytes_;
    bool has_wal_;
    SqliteFiles machine_; ///< outlives the connection
    std::unique_ptr<sqlite3, CloseConnection> connection_;
    std::uint64_t steps_{0}; ///< of the query under way
    std::uint64_t given_{0}; ///< bytes of texts and blobs, of all queries
    std::vector<Table> tables_;
    std::map<std::string, std::string, std::less<>> rowid_names_; ///< of a table
    std::map<std::string, std::int64_t, std::less<>> roots_;      ///< first page of a table
    std::vector<RowStatement> row_statements_;
    std::optional<RowPlaces> places_; ///< made when it is first asked
    std::int64_t version_{0};
};

} // namespace salvage::artifact
