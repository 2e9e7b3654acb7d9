// A session with an XFlash (V5) download agent.
#pragma once

#include <memory>

#include "device/mediatek/agent_flash.hpp"
#include "salvage/device/da_file.hpp"
#include "salvage/device/mediatek.hpp"

namespace salvage::device::xflash {

/// From the start of the first stage on: synchronises, brings DRAM up where a boot ROM loaded it, loads the second
/// stage, and asks what the flash is made of.
Result<std::unique_ptr<AgentSession>> start(Wire& wire, const DaStages& stages, const MediatekOptions& options);

} // namespace salvage::device::xflash
