// Names of Windows' filesystems: UTF-16, little-endian, as UTF-8.
#pragma once

#include <string>

#include "salvage/core/bytes.hpp"

namespace salvage::filesystem {

/// All units of `bytes`; half a unit at the end is dropped.  '/' and NUL, which no name may hold, become U+FFFD; half
/// of a surrogate pair that stands alone becomes the three bytes that UTF-8 would have for it (as ntfs-3g does), so
/// that different names stay different.
[[nodiscard]] std::string name_from_utf16(ByteView bytes);

} // namespace salvage::filesystem
