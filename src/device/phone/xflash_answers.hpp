// What a simulated XFlash agent says of its phone.
#pragma once

#include <cstdint>
#include <optional>

#include "salvage/core/bytes.hpp"
#include "salvage/device/phone.hpp"

namespace salvage::device::phone {

/// The answer to a control code that asks.  Nothing to codes that the agent does not know.
[[nodiscard]] std::optional<Bytes> xflash_answer(std::uint32_t control, const MediatekPhoneOptions& options,
                                                 const StorageInfo& info);

} // namespace salvage::device::phone
