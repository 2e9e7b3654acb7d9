// Follows the chain of a case log, record by record.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "rescue/log_reader.hpp"
#include "salvage/rescue/case_log.hpp"
#include "salvage/rescue/case_verify.hpp"

namespace salvage::rescue {

struct ChainReport {
    LogHead head; ///< as far as the chain holds
    std::uint64_t torn_lines{};
    bool is_tail_torn{false}; ///< the last line was cut off, and no run has gone on since
    std::optional<BrokenRecord> broken;
};

/// A record of the chain, its line, and its number from 1.
using RecordVisitor = std::function<void(const LogRecord&, const LogLine&, std::uint64_t)>;

/// Stops at the first line that is not in the chain.  Errors: those of the reader.
[[nodiscard]] Result<ChainReport> check_chain(LogReader reader, const RecordVisitor& visit);

} // namespace salvage::rescue
