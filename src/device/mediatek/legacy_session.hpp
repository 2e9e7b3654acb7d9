// A session with a legacy (V3) download agent.
#pragma once

#include <memory>

#include "device/mediatek/agent_flash.hpp"
#include "salvage/device/da_file.hpp"
#include "salvage/device/mediatek.hpp"

namespace salvage::device::legacy {

/// From the start of the first stage on.
Result<std::unique_ptr<AgentSession>> start(Wire& wire, const DaStages& stages, const MediatekIdentity& identity);

} // namespace salvage::device::legacy
