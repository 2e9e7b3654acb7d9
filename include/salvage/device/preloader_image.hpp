// The DRAM settings in a phone's own preloader image: a boot ROM has no DRAM until it is given them.
// Layout: docs/formats/mediatek-preloader.md.
#pragma once

#include <cstdint>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"

namespace salvage::device {

struct DramSettings {
    std::uint32_t version{}; ///< of "MTK_BLOADER_INFO_v10"
    Bytes bytes;             ///< from that marker on, as an XFlash agent wants them
};

/// `image` is a preloader_….bin, or a dump of boot1.
/// Errors: malformed (no preloader, no settings in it, or sizes that contradict it: where = offset in `image`).
[[nodiscard]] Result<DramSettings> find_dram_settings(ByteView image);

} // namespace salvage::device
