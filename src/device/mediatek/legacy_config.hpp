// What a legacy agent's first stage is told of the phone.
#pragma once

#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/device/mediatek.hpp"

namespace salvage::device::legacy {

/// Field by field, as they are sent.
[[nodiscard]] std::vector<Bytes> stage_config(const MediatekIdentity& identity);

} // namespace salvage::device::legacy
