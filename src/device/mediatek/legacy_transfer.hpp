// Reading through a legacy agent that is up.
#pragma once

#include <memory>
#include <string_view>

#include "device/mediatek/agent_flash.hpp"

namespace salvage::device::legacy {

[[nodiscard]] std::unique_ptr<AgentSession> make_session(Wire& wire, StorageInfo info);
/// Errors: refused (the phone answers something else).
Result<> expect_ack(Wire& wire, std::string_view step);

} // namespace salvage::device::legacy
