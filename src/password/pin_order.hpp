// The PINs people choose, most likely first.  Rules and sources: docs/pin-order.md.
#pragma once

#include <cstdint>
#include <vector>

namespace salvage::password {

/// PINs of `digits` digits (1 to 16) as numbers, each once.  At most about 130,000 (8 digits: dates).
[[nodiscard]] std::vector<std::uint64_t> popular_pins(unsigned digits);

} // namespace salvage::password
