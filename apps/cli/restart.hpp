// --restore without a command: the one that began the session is run again.
#pragma once

#include <string>

#include "salvage/core/result.hpp"

namespace salvage::cli {

/// Replaces this process by `salvage`, with the command line of the session, in its folder.  Returns only with an
/// error: those of load_session; invalid_argument (no session named, or one that keeps no command); io.
Result<> restart_from(const std::string& session_file);

} // namespace salvage::cli
