// MediaTek phones by the ordinary way: preloader or BROM handshake, the user's own download agent, its sessions.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/device/flash.hpp"
#include "salvage/device/transport.hpp"

namespace salvage::device {

/// What a phone says of itself before anything is loaded into it.
struct MediatekIdentity {
    enum class Mode : std::uint8_t { preloader, brom };
    Mode mode{Mode::preloader};
    std::uint16_t hw_code{};
    std::uint16_t hw_sub_code{};
    std::uint16_t hw_version{};
    std::uint16_t sw_version{};
    std::uint32_t target_config{};
    std::uint8_t bootloader_version{};
    std::uint8_t brom_version{};
    std::string chip{}; ///< "MT6750/MT6755"; empty: not in our table
    Bytes me_id{};
    Bytes soc_id{};
};
/// The key of a chip's entries in DA files; hardware codes that are not in our table are their own.
[[nodiscard]] std::uint16_t da_code_of(std::uint16_t hw_code) noexcept;

/// Flags of the target config in words: "secure boot is on", "authentication (SLA) is demanded".
[[nodiscard]] std::vector<std::string> target_config_words(std::uint32_t target_config);
/// Whether this phone demands a signed authentication that only its maker can give.
[[nodiscard]] bool demands_authentication(std::uint32_t target_config) noexcept;

struct MediatekOptions {
    Bytes agents{};                   ///< the user's DA file (MTK_AllInOne_DA*.bin); empty: identify only
    std::optional<Bytes> preloader{}; ///< the phone's own preloader image: DRAM settings for BROM mode
    Timeout silence{5000};            ///< longer than this without a byte is a stall
};

/// Handshake and identification, nothing loaded.  Errors: timed_out, disconnected, malformed.
[[nodiscard]] Result<MediatekIdentity> identify_mediatek(Transport& transport, const MediatekOptions& options,
                                                         const RunContext& context);

/// Handshake, identification, download agent, session.  The reader owns the transport.
/// Errors: refused (authentication is demanded: says so and what the owner can do), not_found (no agent for this chip
/// in the DA file), malformed (DA file, protocol), invalid_argument (BROM mode without a preloader image), timed_out,
/// disconnected, unsupported (protocol XML).
[[nodiscard]] Result<std::unique_ptr<FlashWriter>>
open_mediatek(std::unique_ptr<Transport> transport, const MediatekOptions& options, const RunContext& context);

} // namespace salvage::device
