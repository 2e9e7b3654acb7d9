// Bytes in JSON: RFC 4648, section 4.
#pragma once

#include <string>

#include "salvage/core/bytes.hpp"

namespace salvage::web {

[[nodiscard]] std::string base64(ByteView bytes);

} // namespace salvage::web
