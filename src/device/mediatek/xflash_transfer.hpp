// Reading and writing through an XFlash agent that is up.
#pragma once

#include <memory>

#include "device/mediatek/agent_flash.hpp"
#include "device/mediatek/xflash_link.hpp"
#include "device/mediatek/xflash_storage.hpp"

namespace salvage::device::xflash {

[[nodiscard]] std::unique_ptr<AgentSession> make_session(Link link, StorageInfo info, PacketLengths lengths);

} // namespace salvage::device::xflash
