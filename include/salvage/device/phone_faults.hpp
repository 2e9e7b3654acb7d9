// What can go wrong with a simulated phone, on demand.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "salvage/core/units.hpp"

namespace salvage::device {

/// Faults of a simulated phone.  A position is the number of a byte, from 0, since the phone was switched on: of what
/// it sends, where a download agent is played; in fastboot, where a phone says little, of commands, data and answers
/// in the order in which they cross the link, both ways, without what TCP and UDP put around them.  Each fault strikes
/// once unless it says otherwise.
struct PhoneFaults {
    std::optional<std::uint64_t> disconnect_at{};   ///< the cable is pulled before this byte
    std::optional<std::uint64_t> stall_at{};        ///< from this byte on nothing is sent or taken
    std::optional<std::uint64_t> lose_byte_at{};    ///< this one byte does not arrive
    std::optional<std::uint64_t> short_packet_at{}; ///< the transfer that reaches this byte is cut there
    std::optional<std::uint64_t> flip_bit_at{};     ///< this byte arrives with its lowest bit turned: a bad checksum
    std::optional<std::uint64_t>
        error_status_at{}; ///< the first status from here on is an error; fastboot: the first OKAY
    std::optional<std::uint64_t> bytes_a_second{}; ///< a slow link, all the time
    /// Target config demands all that there is.  A boot ROM refuses SEND_DA; a preloader takes the agent, does not
    /// trust its signature, and restarts.
    bool demand_authentication{false};
    bool is_bootloader_locked{false};              ///< fastboot: flash and erase are refused
    std::vector<std::string> refused_partitions{}; ///< fastboot: download for these is not allowed

    /// What is left when the cable is plugged in again: what strikes once has struck.
    [[nodiscard]] PhoneFaults lasting() const;
};

} // namespace salvage::device
