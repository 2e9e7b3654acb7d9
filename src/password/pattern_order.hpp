// The patterns people draw, most likely first.  Rules and sources: docs/pin-order.md.
#pragma once

#include <vector>

#include "password/pattern_grid.hpp"

namespace salvage::password {

/// Legal patterns of min_dots to max_dots, each once; at most 20,000.
[[nodiscard]] std::vector<Dots> popular_patterns(const PatternGrid& grid, unsigned min_dots, unsigned max_dots);

} // namespace salvage::password
