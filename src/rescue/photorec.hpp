// PhotoRec, run over one file, and what its report says.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/units.hpp"
#include "salvage/rescue/command.hpp"

namespace salvage::rescue {

/// A part of a carved file in the searched file.
struct PhotorecRun {
    ByteRange in_image;
};

struct PhotorecFile {
    std::filesystem::path path;    ///< where PhotoRec put it
    std::string ending;            ///< lower case letters and digits: "jpg"; "bin" where PhotoRec gave none
    std::vector<PhotorecRun> runs; ///< empty where its report does not name the file
};

struct PhotorecRequest {
    std::filesystem::path image;
    std::filesystem::path folder;      ///< ours and empty: results, PhotoRec's session and log go there
    std::vector<std::string> families; ///< as PhotoRec names them; empty: all
    ByteCount block;                   ///< files begin at multiples of it
};

struct PhotorecResult {
    std::vector<PhotorecFile> files;
    std::vector<std::string> incomplete; ///< why there may be more: it ended early, or its report is damaged
};

/// Runs it to its end.  It parses hostile bytes: where it fails on the way, what it has found until then is the result.
/// Errors: not_found (it is not installed), unsupported (it found nothing and failed), already_exists (the folder is
/// not empty), io, cancelled.
[[nodiscard]] Result<PhotorecResult> run_photorec(const PhotorecRequest& request, CommandRunner& runner,
                                                  const RunContext& context);

struct PhotorecEntry {
    std::string name;
    std::vector<PhotorecRun> runs;
};
struct PhotorecReport {
    std::vector<PhotorecEntry> entries;
    std::optional<Error> damage; ///< malformed: why there are no more
};
/// The fileobjects of a PhotoRec report (DFXML): names and runs.  `image_size` bounds the runs.
/// Spec: PhotoRec 7.1, report.xml.
[[nodiscard]] PhotorecReport parse_photorec_report(std::string_view xml, ByteCount image_size);

} // namespace salvage::rescue
