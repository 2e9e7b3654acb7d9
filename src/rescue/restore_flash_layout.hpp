// Inside rescue: the partition table that is on a phone's flash now.
#pragma once

#include <optional>
#include <string_view>

#include "salvage/rescue/restore.hpp"

namespace salvage::rescue {

/// Tables lie at the flash's start (GPT, MBR, EBR1) and at its end (backup GPT, PMT); only these places are read.
/// Errors: those of the reader; not_found (no user region).
[[nodiscard]] Result<partition::Layout> read_flash_layout(device::FlashReader& reader, const RunContext& context);

[[nodiscard]] std::optional<PhonePartitionFacts> find_in(const partition::Layout& layout, std::string_view partition);

} // namespace salvage::rescue
