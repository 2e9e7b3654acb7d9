// The words of the conversation with a MediaTek boot ROM or preloader.  Big-endian, one byte a command.
// Sources: mtkclient, Library/mtk_preloader.py, Library/Port.py and Library/error.py; penumbra, core/src/connection;
// for the preloader the one that bq published for the Aquaris E4.5, core/download.c
// (docs/formats/mediatek-preloader.md).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace salvage::device::brom {

/// The host's knock; the phone answers each byte with its complement.
inline constexpr std::array handshake{std::byte{0xA0}, std::byte{0x0A}, std::byte{0x50}, std::byte{0x05}};

enum class Command : std::uint8_t {
    read16 = 0xD0,
    read32 = 0xD1,
    write16 = 0xD2,
    write32 = 0xD4,
    jump_da = 0xD5,
    jump_boot_loader = 0xD6,
    send_da = 0xD7,
    get_target_config = 0xD8,
    get_me_id = 0xE1,
    get_soc_id = 0xE7,
    get_preloader_capabilities = 0xFB,
    get_hw_sw_version = 0xFC,
    get_hw_code = 0xFD,
    get_boot_loader_version = 0xFE, ///< a preloader answers its version, a boot ROM echoes
    get_version = 0xFF,             ///< a boot ROM answers its version, a preloader echoes
};

/// Up to this a status is success.
constexpr std::uint16_t max_good_status = 0xFF;
constexpr std::uint16_t status_sla_required = 0x1D0D;
/// The agent's signature is not one that this phone trusts (DAA).
constexpr std::uint16_t status_bad_signature = 0x7024;

/// Bits of the target config.
enum TargetConfig : std::uint32_t {
    secure_boot = 1U << 0U,
    serial_link_authorization = 1U << 1U,
    download_agent_authorization = 1U << 2U,
    epp = 1U << 3U,
    root_certificate = 1U << 4U,
    memory_read_authorization = 1U << 5U,
    memory_write_authorization = 1U << 6U,
    command_c8_blocked = 1U << 7U,
};

} // namespace salvage::device::brom
