// ddrescue's mapfile: which areas of a dump were never read.
#pragma once

#include <string_view>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/core/units.hpp"

namespace salvage::io {

/// Every area that is not finished ('+'): not tried ('?'), not trimmed ('*'), not scraped ('/'), bad ('-').
/// In order, apart from each other.  What lies before the first block counts as not tried, as ddrescue has it; what
/// lies beyond the last block is not told. Errors: malformed (where = position in the text), for lines that are none of
/// ddrescue's. Spec: GNU ddrescue manual, "Mapfile structure".
[[nodiscard]] Result<std::vector<ByteRange>> parse_bad_areas(std::string_view mapfile);

} // namespace salvage::io
