// Bytes as letters that any text holds.
#pragma once

#include <string>

#include "salvage/core/bytes.hpp"

namespace salvage {

/// Base64 with its padding, in one line.  Spec: RFC 4648, 4.
[[nodiscard]] std::string to_base64(ByteView bytes);

} // namespace salvage
