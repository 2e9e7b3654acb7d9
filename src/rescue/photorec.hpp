// PhotoRec, run over one file, and what its report says.
#pragma once

#include <filesystem>
#include <string>
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

/// Runs it to its end.  Errors: not_found (it is not installed), unsupported (it does not know a family, or its report
/// is of another form), io, cancelled.
[[nodiscard]] Result<std::vector<PhotorecFile>> run_photorec(const PhotorecRequest& request, CommandRunner& runner,
                                                             const RunContext& context);

/// The fileobjects of a PhotoRec report (DFXML): names and runs.  `image_size` bounds the runs.
/// Errors: malformed (no such report).  Spec: PhotoRec 7.1, report.xml.
struct PhotorecEntry {
    std::string name;
    std::vector<PhotorecRun> runs;
};
[[nodiscard]] Result<std::vector<PhotorecEntry>> parse_photorec_report(std::string_view xml, ByteCount image_size);

} // namespace salvage::rescue
