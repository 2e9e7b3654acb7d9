// What a case's log says of the files in the case.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rescue/log_reader.hpp"
#include "salvage/core/finding.hpp"
#include "salvage/core/result.hpp"
#include "salvage/rescue/case_log.hpp"

namespace salvage::rescue {

/// Writes a file of the case in one step.  Its hash goes into the log before and after, so that at any moment the file
/// is one that the log knows.  Nothing happens where it has that content already and `log` knew.
/// Errors: io, no_space.
Result<> replace_recorded(CaseLog& log, const std::filesystem::path& case_folder, const CaseDocument& document);

/// Records files that are finished: "files/manifest.jsonl".  Errors: io.
Result<> record_files(CaseLog& log, const std::filesystem::path& case_folder, std::span<const std::string> names);

/// Records the images of parts/ with the hashes of its manifest, and the manifest itself.  Errors: io, malformed.
Result<> record_parts(CaseLog& log, const std::filesystem::path& case_folder);

/// Records a file whose hash is known.
void record_file(CaseLog& log, const NamedFile& file);

/// Names the run that an earlier program began and wrote no end of; nothing where there is none.
void record_interrupted(CaseLog& log);
/// What was asked for was not done.
void record_refusal(CaseLog& log, std::string_view run, const Error& error);
/// How a run ended that did not do what was asked for: refused, or stopped on its way.
void record_ending(CaseLog& log, std::string_view run, const Error& error);

void record_findings(CaseLog& log, std::span<const Finding> findings);

/// From here on the files of that folder of the case may change.
void begin_folder(CaseLog& log, std::string_view name);
/// They are all recorded.
void finish_folder(CaseLog& log, std::string_view name, std::string_view text);

} // namespace salvage::rescue
