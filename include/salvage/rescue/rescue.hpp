// The main job: a dump goes in; a case folder with parts, files and a report comes out.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "salvage/rescue/case_log.hpp"
#include "salvage/rescue/export.hpp"
#include "salvage/rescue/inspect.hpp"
#include "salvage/rescue/search.hpp"
#include "salvage/rescue/split.hpp"

namespace salvage::rescue {

/// The command that a run was started with, for the case log.
struct Invocation {
    std::string version;              ///< of this program
    std::string verb{"rescue"};       ///< as it was typed
    std::vector<std::string> options; ///< what followed the verb, secrets replaced by a mark
};

struct RescueRequest {
    DumpRequest dump;
    OpenRequest open;
    std::filesystem::path case_folder; ///< made where it is missing; an unfinished case of the same dump goes on
    std::string statement;             ///< by what right the user acts; goes into the case log
    bool split{true};
    /// Time for a cheap search where a secret is missing; zero: none.
    std::chrono::seconds search_time{60};
    Invocation invocation;
};

struct RescueReport {
    InspectReport inspect;
    std::optional<SplitReport> split;
    std::optional<ExportReport> exported;
    std::vector<std::string> searched; ///< what a search tried, for the report
    std::string found_secret_encoding; ///< of a search's hit; the secret itself lies in `secret_file`
    std::string case_folder;
    std::string report_path; ///< of report.txt
    std::string page_path;   ///< of report.html
    std::string parts_path;  ///< folder of the partition images; empty where none
    std::string files_path;  ///< folder of the exported files; empty where none
    std::string secret_file; ///< mode 0600; empty where nothing was searched and found
    LogHead log;             ///< of the case log when the rescue was done, before the report was written
};

/// Errors: io, no_space, cancelled; already_exists (the folder is a case of another dump).
[[nodiscard]] Result<RescueReport> rescue(const RescueRequest& request, const RunContext& context);

} // namespace salvage::rescue
