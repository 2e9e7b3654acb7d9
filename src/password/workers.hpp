// How many threads a search may have.
#pragma once

#include <optional>
#include <string_view>

#include "salvage/core/units.hpp"
#include "salvage/password/search.hpp"

namespace salvage::password {

/// MemAvailable of /proc/meminfo's text; nothing where it does not say.
[[nodiscard]] std::optional<ByteCount> parse_available_memory(std::string_view meminfo);

/// What the system says is free, or less where a control group bounds this process.  Nothing: not known.
[[nodiscard]] std::optional<ByteCount> available_memory();

/// `wanted` threads (0: one a core), fewer where the target or the memory does not allow; at least 1.
[[nodiscard]] WorkerPlan plan_workers(const Target& target, unsigned wanted, std::optional<ByteCount> available);

} // namespace salvage::password
