// Where a case log stands: its last whole record, by which a report says what had happened when it was written.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "salvage/core/result.hpp"

namespace salvage::rescue {

/// The last whole record of a log.
struct LogHead {
    std::uint64_t line{};        ///< counted from 1, torn lines among them
    std::string sha256;          ///< hex, of the line without its newline: what the next record calls `previous`
    std::chrono::seconds time{}; ///< since 1970-01-01 UTC, as the record says
    std::string event;           ///< "rescue.done"
};

/// Reads a log of at most 1 GiB.  Nothing where it holds no whole record.
/// Errors: io; unsupported (larger).  Spec: docs/formats/case.md.
[[nodiscard]] Result<std::optional<LogHead>> head_of_log(const std::filesystem::path& path);

} // namespace salvage::rescue
