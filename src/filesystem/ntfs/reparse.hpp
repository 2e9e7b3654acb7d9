// Reparse points of NTFS: symbolic links, junctions, links of Linux on Windows.
#pragma once

#include <optional>
#include <string>

#include "salvage/core/bytes.hpp"

namespace salvage::filesystem::ntfs {

/// Where the reparse point leads, with '/' for '\'; nothing where it is no link.
/// Spec: Microsoft, [MS-FSCC] 2.1.2.4 and 2.1.2.5; Linux on Windows: tag 0xA000001D, version 2, UTF-8.
[[nodiscard]] std::optional<std::string> link_target(ByteView value);

} // namespace salvage::filesystem::ntfs
