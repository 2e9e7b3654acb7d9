// Reparse points of NTFS: symbolic links, junctions, links of Linux on Windows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "salvage/core/bytes.hpp"

namespace salvage::filesystem::ntfs {

/// What kind of reparse point it is; nothing where it is too short.  Spec: [MS-FSCC] 2.1.2.1.
[[nodiscard]] std::optional<std::uint32_t> reparse_tag(ByteView value) noexcept;
/// Whether points of this kind are links; others belong to filters of Windows, which may keep the content elsewhere.
[[nodiscard]] bool is_link_tag(std::uint32_t tag) noexcept;

/// Where the reparse point leads, with '/' for '\'; nothing where it is no link.
/// Spec: Microsoft, [MS-FSCC] 2.1.2.4 and 2.1.2.5; Linux on Windows: tag 0xA000001D, version 2, UTF-8.
[[nodiscard]] std::optional<std::string> link_target(ByteView value);

} // namespace salvage::filesystem::ntfs
