// What a case's log says of an extraction from it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "salvage/core/run_context.hpp"
#include "salvage/rescue/case_log.hpp"
#include "salvage/rescue/dump.hpp"
#include "salvage/rescue/extract.hpp"
#include "salvage/rescue/rescue.hpp"

namespace salvage::rescue {

/// Writes where the source is a case, and nowhere else.  Movable.
class ExtractLog {
public:
    /// `source` is what the user named; `out` the folder to come.
    /// Errors: io; already_exists (another run writes into the case).
    [[nodiscard]] static Result<ExtractLog> open(const std::filesystem::path& source, const Invocation& invocation,
                                                 const std::filesystem::path& out, const RunContext& context);
    /// What came of it, with the hashes of the lists that name every file.  Errors: io.
    Result<> end(const Result<ExtractReport>& report);

private:
    std::unique_ptr<CaseLog> log_; ///< null: the source is no case
};

} // namespace salvage::rescue
