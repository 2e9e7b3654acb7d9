// The words of the legacy (V3) download agents.  Big-endian, one byte a command.
// Source: mtkclient, Library/DA/legacy (dalegacy_lib.py, dalegacy_param.py, dalegacy_flash_param.py); one source only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace salvage::device::legacy {

constexpr std::byte ack{0x5A};
constexpr std::byte nack{0xA5};
constexpr std::byte first_byte{0xC0};
constexpr std::byte soc_okay{0xC1};

enum class Command : std::uint8_t {
    switch_part = 0x60,
    usb_status = 0x72,
    read = 0xD6,
    finish = 0xD9,
};

constexpr std::byte host_is_linux{0x0C};
constexpr std::byte storage_emmc{0x02};
constexpr std::uint32_t device_not_found = 0xBC4; ///< "there is no NAND"
constexpr std::uint32_t wants_dram_settings = 0xBC3;

constexpr std::uint32_t stage_packet_bytes = 0x1000;
constexpr std::uint32_t read_packet_bytes = 0x100000;

/// What the second stage reports of the flash.
constexpr std::size_t nor_info_bytes = 0x1C;
constexpr std::size_t nand_info_bytes = 0x11;
constexpr std::size_t nand_tail_bytes = 9;
constexpr std::size_t emmc_info_bytes = 0x5C;
constexpr std::size_t sd_info_bytes = 0x1C;
constexpr std::size_t ram_info_bytes = 0x26;
constexpr std::size_t pass_info_bytes = 0x0A;

/// The configuration that the first stage wants: these fields for all, and some chips more words behind.
constexpr std::size_t common_config_bytes = 18;
/// Bytes behind the common ones.
[[nodiscard]] std::size_t extra_config_bytes(std::uint16_t hw_code) noexcept;
/// Words that the first stage says behind its good status.
[[nodiscard]] std::size_t words_behind_status(std::uint16_t hw_code) noexcept;
/// Whether the second stage says a word before it passes.
[[nodiscard]] std::size_t bytes_before_pass(std::uint16_t hw_code) noexcept;

} // namespace salvage::device::legacy
