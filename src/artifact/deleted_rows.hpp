// Rows that a database no longer has, found where it has not yet written over them.
// What is looked for where, and what the words mean: docs/formats/deleted-rows.md.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/artifact/sqlite.hpp"

namespace salvage::artifact {

/// How much of a row is there, the best first.
enum class RowConfidence : std::uint8_t {
    whole,      ///< from its length to its last value, in one piece
    chained,    ///< its end lies in free pages that it leads to: whether they were used again since, nobody knows
    start_lost, ///< its first bytes are overwritten, and its rowid with them; its values are there
    cut,        ///< something lies over its end, or its further pages are gone
};
/// "whole", "chained", "start lost", "cut".
[[nodiscard]] std::string_view to_string(RowConfidence confidence) noexcept;

/// Where it was found.
enum class RowPlace : std::uint8_t {
    freeblock,   ///< within a page that is in use, where a row was taken out
    gap,         ///< within a page that is in use, where nothing was put yet or any more
    free_page,   ///< a page of the list of free ones
    lost_page,   ///< a page that nothing leads to
    older_state, ///< what a page was before what the WAL has for it, or a frame that was never committed
};
/// "freeblock", "gap", "free page", "page of no table", "older state".
[[nodiscard]] std::string_view to_string(RowPlace place) noexcept;

/// How much of a value is there.
enum class ValueState : std::uint8_t { lost, part, whole };

struct RecoveredRow {
    std::string table;
    std::optional<std::int64_t> rowid{};
    std::vector<Value> values;      ///< of the table's columns, in their order; null where it is lost
    std::vector<ValueState> states; ///< the same
    std::uint32_t page{};           ///< its number, from 1
    std::uint64_t byte{};           ///< of the file, where it begins
    bool is_in_wal{false};          ///< of which file
    RowPlace place{RowPlace::gap};
    RowConfidence confidence{RowConfidence::cut};
    bool is_replaced{false}; ///< a row with this rowid is there now, with other values
};

struct RecoveredRows {
    std::vector<RecoveredRow> rows;    ///< in the order of the pages
    std::uint64_t left_out{0};         ///< more than there is room for
    std::uint64_t unreadable_pages{0}; ///< that could not be looked through
    bool is_cut{false};                ///< looking ended early: it was more work than a file of this size is worth
    /// A part of the tables cannot be read: rows that are there may be among these.
    bool is_live_unknown{false};
};

/// Looks for rows of `tables`, those that are there, and leaves out what the database still has, and what is found
/// twice.
///
/// `database` is what was opened from `files`.  Memory: `most_bytes` for rows, and 5 bytes a page of the file.
/// Time: in proportion to the files' size.  Rows with a rowid below 1 are not looked for.
/// Errors: as DatabasePages::open; cancelled.
[[nodiscard]] Result<RecoveredRows> read_deleted_rows(Database& database, const DatabaseFiles& files,
                                                      std::span<const std::string_view> tables, std::size_t most_bytes,
                                                      const std::stop_token& stop);

} // namespace salvage::artifact
