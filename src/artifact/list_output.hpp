// A kind of data that is a list: one CSV, one JSON, one page.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "artifact/forms.hpp"
#include "artifact/reading.hpp"

namespace salvage::artifact {

/// Writes "NAME/NAME.csv", ".json" and ".html" of the kind's name.  Nothing appears where nothing is added.
class ListOutput {
public:
    /// `columns` stand before the origin, which is added to each row.
    ListOutput(Extraction& extraction, KindReport& report, std::vector<std::string> columns)
        : extraction_{&extraction}, report_{&report}, columns_{std::move(columns)}
    {
    }

    /// `json` gets its origin here, too.  Errors: those of the sink; cancelled.
    Result<> add(std::vector<Cell> cells, Json json, const Origin& origin);
    /// Errors: those of the sink.
    Result<> end();

private:
    Result<> begin();

    Extraction* extraction_;
    KindReport* report_;
    std::vector<std::string> columns_;
    std::unique_ptr<TextOutput> csv_;
    std::unique_ptr<TextOutput> json_;
    TablePage page_;
    std::uint64_t unshown_{0};
};

} // namespace salvage::artifact
