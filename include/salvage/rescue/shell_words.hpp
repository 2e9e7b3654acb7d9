// Commands that a person is told to type.
#pragma once

#include <string>
#include <string_view>

namespace salvage::rescue {

/// A path or an argument as a POSIX shell takes it: as it is where nothing in it means anything to a shell, else in
/// single quotes.
[[nodiscard]] std::string shell_quoted(std::string_view word);

} // namespace salvage::rescue
