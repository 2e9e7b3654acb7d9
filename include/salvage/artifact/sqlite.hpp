// A phone's SQLite database, read only and without trust: the one seam through which all kinds of data are read.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::artifact {

/// What a database consists of.  Null where there is no such file.
struct DatabaseFiles {
    io::SourcePtr database;
    io::SourcePtr wal{};     ///< "-wal": what was committed and not yet moved into the database
    io::SourcePtr journal{}; ///< "-journal": how a transaction that was cut off is undone
};

/// A value as it is stored: null, whole number, real number, text (UTF-8, or the bytes that claim to be), blob.
using Value = std::variant<std::monostate, std::int64_t, double, std::string, Bytes>;

/// Its number; of text, the number that it spells.  Nothing for all else.
[[nodiscard]] std::optional<std::int64_t> to_integer(const Value& value);
/// Its number; of text, the number that it spells.  Nothing for all else.
[[nodiscard]] std::optional<double> to_real(const Value& value);
/// Its text; of a number, its digits.  Nothing for null and blobs.
[[nodiscard]] std::optional<std::string> to_text(const Value& value);

/// One row.  `values` stand in the order in which the columns were asked for; a column that the table has not is null.
struct Row {
    std::optional<std::int64_t> rowid; ///< nothing in a table without
    std::vector<Value> values;

    [[nodiscard]] std::optional<std::int64_t> integer(std::size_t column) const { return to_integer(values[column]); }
    [[nodiscard]] std::optional<double> real(std::size_t column) const { return to_real(values[column]); }
    [[nodiscard]] std::optional<std::string> text(std::size_t column) const { return to_text(values[column]); }
    /// Its text, empty where there is none.
    [[nodiscard]] std::string text_or_empty(std::size_t column) const { return text(column).value_or(std::string{}); }
    [[nodiscard]] const Bytes* blob(std::size_t column) const { return std::get_if<Bytes>(&values[column]); }
};

struct Column {
    std::string name;
    std::string type;        ///< as declared; may be empty
    bool is_rowid{false};    ///< INTEGER PRIMARY KEY: another name of the rowid, and stored as null
    bool is_required{false}; ///< NOT NULL
};

/// An ordinary table.  Views and virtual tables are not told of: what they show is made by code in the file.
struct Table {
    std::string name;
    std::vector<Column> columns;

    /// Names are compared as SQLite does: ASCII letters without case.
    [[nodiscard]] bool has(std::string_view column) const noexcept;
};

/// Which rows, in the order of their rowid.
struct RowWindow {
    std::uint64_t first{0}; ///< so many are passed over
    std::optional<std::uint64_t> most{};
};

/// How far reading a table came.
struct RowsRead {
    std::uint64_t rows{};         ///< given to the visitor
    std::uint64_t damaged{};      ///< known to be there, and not to be read
    bool is_cut{false};           ///< some more may be missing: a page could not be read, nobody knows with how many
    std::optional<Error> problem; ///< the first reason
};

/// A database that was opened.  Not thread safe; movable.
///
/// Nothing is ever written to the files, and none is made: what a WAL or journal adds lies over them in memory.  SQLite
/// sees three names and nothing else of this machine, whatever the file says.  No code of the file is run: no views,
/// triggers, virtual tables, functions, extensions.  A value over 64 MiB, and work out of proportion to the file's
/// size, are errors. Memory: 8 MiB of pages and what a cut-off transaction changed, at most 256 MiB.
class Database {
public:
    /// `stop`: a request ends the query under way with `cancelled`.
    /// Errors: malformed (no database, an encrypted one, a damaged schema), unreadable, io, unsupported.
    [[nodiscard]] static Result<Database> open(DatabaseFiles files, std::stop_token stop = {});

    /// Tables in the order of their names.
    [[nodiscard]] const std::vector<Table>& tables() const noexcept;
    /// Null where there is none of that name.
    [[nodiscard]] const Table* find_table(std::string_view name) const noexcept;
    /// PRAGMA user_version: Android keeps the number of the schema there.
    [[nodiscard]] std::int64_t user_version() const noexcept;

    /// Rows of `table`.  Errors: not_found (no such table), malformed, unreadable, cancelled.
    [[nodiscard]] Result<std::uint64_t> count(std::string_view table);

    /// Calls `visit` for each row, in the order of the rowids.  A row or page that cannot be read is passed over and
    /// told of; what lies behind it is read from the other end, then in falling order. Errors: not_found (no such
    /// table), cancelled, those of `visit`.
    [[nodiscard]] Result<RowsRead> read(std::string_view table, std::span<const std::string_view> columns,
                                        const std::function<Result<>(const Row&)>& visit, RowWindow window = {});

    /// The row with that rowid, or nothing.  Errors: as count().
    [[nodiscard]] Result<std::optional<Row>> find_row(std::string_view table, std::span<const std::string_view> columns,
                                                      std::int64_t rowid);

    /// Where a row begins in the raw dump, or nothing where that is not known: it came from a WAL, or the way to it is
    /// damaged.
    [[nodiscard]] std::optional<ByteOffset> place_of(std::string_view table, std::int64_t rowid) const;

    Database(Database&& other) noexcept;
    Database& operator=(Database&& other) noexcept;
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database();

    struct State; ///< how it is done; of no use outside

private:
    explicit Database(std::unique_ptr<State> state) noexcept;
    std::unique_ptr<State> state_;
};

/// Whether `first_bytes`, 16 at least, are those of a SQLite database.
[[nodiscard]] bool is_database(ByteView first_bytes) noexcept;

} // namespace salvage::artifact
