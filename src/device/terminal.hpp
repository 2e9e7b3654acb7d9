// What serial ports and pseudo terminals have in common.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/device/transport.hpp"

namespace salvage::device::terminal {

/// Bytes as they are, 8N1, without flow control or echo.  Errors: io.
Result<> make_raw(int descriptor, const std::string& path);

/// What a wait for a terminal ended with.
enum class Ready : std::uint8_t { ready, hung_up, timed_out };
/// `events` as poll(2) has them.  Hung up only where there is nothing left to read.  Errors: io.
Result<Ready> wait_for(int descriptor, short events, Timeout timeout, const std::string& path);

/// Errors: disconnected.
[[nodiscard]] Error gone(const std::string& path);
[[nodiscard]] Error silent(const std::string& path, Timeout timeout);

} // namespace salvage::device::terminal
