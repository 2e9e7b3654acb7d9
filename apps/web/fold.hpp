// Looking for text whatever its case.
#pragma once

#include <string>
#include <string_view>

namespace salvage::web {

/// Small letters for large ones, in every script that the C library's C.UTF-8 knows; bytes that are no UTF-8 stay as
/// they are.  Where there is no such locale only A to Z change.  Thread safe.
[[nodiscard]] std::string folded(std::string_view text);

} // namespace salvage::web
