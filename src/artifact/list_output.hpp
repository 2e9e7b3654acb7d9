// A kind of data that is a list: one CSV, one JSON, one page.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "artifact/forms.hpp"
#include "artifact/reading.hpp"

namespace salvage::artifact {

/// Rows of a page, kept in memory until it is drawn, and no more of them than there is room for.
class ShownRows {
public:
    ShownRows(std::size_t most_rows, std::size_t most_bytes) : most_rows_{most_rows}, room_{most_bytes} {}

    /// Cells are cut to what a table can show.
    void add(std::vector<Cell> cells);
    /// Puts the rows into the page; a note says how many more there are, and `where`: "the CSV and JSON".
    void end(TablePage& page, std::string_view where);

private:
    std::size_t most_rows_;
    std::size_t room_; ///< bytes
    std::vector<std::vector<Cell>> rows_;
    std::uint64_t left_out_{0};
};

/// What a list's files are called, and what its JSON calls itself.
struct ListNames {
    std::string stem;   ///< "calls/calls", to which ".csv", ".json" and ".html" are added
    std::string schema; ///< "calls", for "salvage.calls/1"
    std::string key;    ///< of the array
};

/// Writes "NAME/NAME.csv", ".json" and ".html" of the kind's name.  Nothing appears where nothing is added.
class ListOutput {
public:
    /// `columns` stand before the origin, which is added to each row.
    ListOutput(Extraction& extraction, KindReport& report, std::vector<std::string> columns)
        : ListOutput{extraction,
                     report,
                     std::move(columns),
                     {.stem = report.name + "/" + report.name, .schema = report.name, .key = report.name}}
    {
    }
    ListOutput(Extraction& extraction, KindReport& report, std::vector<std::string> columns, ListNames names)
        : extraction_{&extraction}, report_{&report}, columns_{std::move(columns)}, names_{std::move(names)},
          rows_{extraction.bounds.shown_rows, extraction.bounds.shown_bytes}
    {
    }

    /// Something to know about what is there: said where something is.
    void add_note(std::string note) { notes_.push_back(std::move(note)); }

    /// `json` gets its origin here, too.  Errors: those of the sink; cancelled.
    Result<> add(std::vector<Cell> cells, Json json, const Origin& origin);
    /// Errors: those of the sink.
    Result<> end();

private:
    Result<> begin();

    Extraction* extraction_;
    KindReport* report_;
    std::vector<std::string> columns_;
    ListNames names_;
    std::unique_ptr<TextOutput> csv_;
    std::unique_ptr<TextOutput> json_;
    std::vector<std::string> notes_;
    ShownRows rows_;
};

} // namespace salvage::artifact
