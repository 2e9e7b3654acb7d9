// Lists of deleted rows: what all of them tell beside their values.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "artifact/deleted_rows.hpp"
#include "artifact/list_output.hpp"

namespace salvage::artifact {

/// A row's values by the names of its table's columns.
class FoundFields {
public:
    FoundFields(const Table& table, const RecoveredRow& row) : table_{&table}, row_{&row} {}

    /// What is there of a text, with "…" where a part is lost; empty where there is none.
    [[nodiscard]] std::string text(std::string_view field) const;
    /// Nothing where it is lost, or no number.
    [[nodiscard]] std::optional<std::int64_t> integer(std::string_view field) const;
    [[nodiscard]] const std::string& table() const noexcept { return table_->name; }
    [[nodiscard]] const RecoveredRow& row() const noexcept { return *row_; }
    /// Names of the columns of which the value is in that state.
    [[nodiscard]] Json names_of(ValueState state) const;

private:
    [[nodiscard]] std::optional<std::size_t> index_of(std::string_view field) const;

    const Table* table_;
    const RecoveredRow* row_;
};

/// A row as it is shown, before what every deleted row tells.
struct ShownDeleted {
    std::vector<Cell> cells;
    Json json;
};

/// Writes "deleted/NAME.csv", ".json" and ".html".
class DeletedList {
public:
    /// `shown`: titles of the cells before those that every row has.
    DeletedList(Extraction& extraction, KindReport& report, const std::string& stem, std::vector<std::string> shown);

    void add_note(std::string note) { list_.add_note(std::move(note)); }

    /// Looks for rows of the tables; by `time_field`, where one has it, they are sorted.  `show` gives nothing for what
    /// is of no use.  What is wrong with the database is in its report.
    /// Errors: cancelled, those of the sink.
    Result<> take(OpenDatabase& database, std::span<const std::string_view> tables, std::string_view time_field,
                  const std::function<std::optional<ShownDeleted>(const FoundFields&)>& show);
    /// All rows that are found, for whoever wants to look at them twice.  Errors: cancelled.
    Result<std::vector<RecoveredRow>> find(OpenDatabase& database, std::span<const std::string_view> tables);
    /// Errors: cancelled, those of the sink.
    Result<> add(const OpenDatabase& database, const FoundFields& fields, ShownDeleted shown);
    /// Where nothing was found, says what that means.  Errors: those of the sink.
    Result<> end();

private:
    Extraction* extraction_;
    KindReport* report_;
    ListOutput list_;
    std::size_t looked_through_{0}; ///< databases, of those that were asked for
    std::size_t asked_{0};
};

} // namespace salvage::artifact
