// Reports as one page for a browser or for paper: no script, no network, nothing beside the file.
#pragma once

#include <chrono>
#include <string>

#include "salvage/rescue/inspect.hpp"
#include "salvage/rescue/rescue.hpp"

namespace salvage::render {

/// What a page says of the run that wrote it.
struct PageRun {
    std::chrono::seconds written{}; ///< since 1970-01-01 UTC
    std::string version;            ///< of the program; may be empty
};

/// One document of HTML that is well-formed XML, too.  It shows what the report holds and nothing else.
///
/// The same report gives the same bytes but for the section with the id "this-run": the time, the program's version,
/// what a search tried and costs on this machine, and the case log's head.  Strings of the dump are escaped and cut,
/// tables end after 1000 rows and say how much they left out: an ordinary page has some 100 KB, the most hostile dump
/// makes one of less than 32 MiB.
[[nodiscard]] std::string html(const rescue::InspectReport& report, const PageRun& run);
[[nodiscard]] std::string html(const rescue::RescueReport& report, const PageRun& run);

} // namespace salvage::render
