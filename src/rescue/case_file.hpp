// case.json: which dump a case belongs to, how it was opened, and what came of it.  See docs/formats/case.md.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "salvage/core/result.hpp"
#include "salvage/rescue/dump.hpp"

namespace salvage::rescue {

struct CaseFile {
    DumpRequest dump; ///< paths made absolute, so that the case opens from any folder
    ByteCount size;
    std::optional<std::string> sha256; ///< hex; nothing before the first pass over the dump has ended
    std::string statement;
    std::string verdict; ///< code; empty before there is one
};

/// Errors: not_found (no case.json in `folder`), malformed, io.
[[nodiscard]] Result<CaseFile> read_case_file(const std::filesystem::path& folder);

/// What case.json holds.
[[nodiscard]] std::string case_document(const CaseFile& file);

} // namespace salvage::rescue
