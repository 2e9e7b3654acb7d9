// The host's side of the conversation with a boot ROM or preloader: knock, ask who is there, load an agent, start it.
#pragma once

#include <cstdint>

#include "device/mediatek/brom_words.hpp"
#include "device/mediatek/chips.hpp"
#include "device/mediatek/wire.hpp"
#include "salvage/core/result.hpp"
#include "salvage/device/da_file.hpp"
#include "salvage/device/mediatek.hpp"

namespace salvage::device::brom {

/// Knocks until the phone answers.  Errors: timed_out (it did not within the wire's silence), disconnected, cancelled.
Result<> shake_hands(Wire& wire);
/// Asks in the order that phones are used to.  The watchdog is stopped on the way, so that the phone does not restart.
Result<MediatekIdentity> identify(Wire& wire);
/// Errors: refused (the phone demands authentication, or does not take this agent), malformed (checksum).
Result<> send_agent(Wire& wire, const DaRegion& region, ByteView bytes);
Result<> jump_to_agent(Wire& wire, std::uint32_t address);

/// XOR of the little-endian words; an odd last byte stands for itself.
[[nodiscard]] std::uint16_t upload_checksum(ByteView bytes) noexcept;
/// The refusal of a phone that demands authentication, and what its owner can do.
[[nodiscard]] Error authentication_demanded(std::string_view why);

} // namespace salvage::device::brom
