// What keymaster blobs come in.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "salvage/core/bytes.hpp"

namespace salvage::fde {

/// Qualcomm's magic as its bytes lie on disk.
inline constexpr std::string_view bkmk_magic{"BKMK"};

/// Where a Qualcomm blob begins: at the start, or as the key material of an integrity-assured container.
[[nodiscard]] std::optional<std::size_t> find_bkmk(ByteView blob);

} // namespace salvage::fde
