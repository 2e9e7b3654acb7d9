// What fastboot's words may be long; private to the box.
#pragma once

#include <chrono>
#include <cstddef>

#include "salvage/device/transport.hpp"

namespace salvage::device {

/// Four letters and up to 252 more; AOSP's FB_RESPONSE_SZ.  Old bootloaders say 64 at most.
constexpr std::size_t max_answer_bytes = 256;
/// What AOSP's fastboot takes of a command, FB_COMMAND_SZ.  MediaTek's LK has room for 64.
constexpr std::size_t max_command_bytes = 4096;
constexpr std::size_t safe_command_bytes = 64;
/// How much of a download is held and sent at once.
constexpr std::size_t download_step_bytes = std::size_t{1} << 20U;
/// For each step of making a connection.
constexpr Timeout connect_patience{5000};

} // namespace salvage::device
