// Memory that is free for a search.
#pragma once

#include <optional>
#include <string_view>

#include "salvage/core/units.hpp"

namespace salvage::password {

/// MemAvailable of /proc/meminfo's text; nothing where it does not say.
[[nodiscard]] std::optional<ByteCount> parse_available_memory(std::string_view meminfo);

/// What the system says is free, or less where a control group bounds this process.  Nothing: not known.
[[nodiscard]] std::optional<ByteCount> available_memory();

} // namespace salvage::password
