// UTF-16 as GPT names and Windows editors have it.
#pragma once

#include <bit>
#include <string>

#include "salvage/core/bytes.hpp"

namespace salvage::partition {

/// UTF-8 of the units up to the first NUL; a surrogate without its partner becomes U+FFFD, half a unit is dropped.
[[nodiscard]] std::string utf8_from_utf16(ByteView units, std::endian order);

} // namespace salvage::partition
