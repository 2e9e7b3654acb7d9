// The words of the XFlash (V5) download agents.  Little-endian.
// Sources: mtkclient, Library/DA/xflash/xflash_param.py; penumbra, src/da/xflash.
#pragma once

#include <cstddef>
#include <cstdint>

namespace salvage::device::xflash {

/// Each packet: u32 magic, u32 kind, u32 length; then `length` bytes in a transfer of their own.
constexpr std::uint32_t packet_magic = 0xFEEEEEEF;
constexpr std::size_t header_bytes = 12;
constexpr std::uint32_t kind_protocol = 1;
constexpr std::uint32_t kind_log = 2;

constexpr std::uint32_t sync = 0x434E5953; ///< "SYNC"
/// The first sign of life of the first stage, a bare byte.
constexpr std::byte first_byte{0xC0};

enum class Command : std::uint32_t {
    format = 0x010003,
    write_data = 0x010004,
    read_data = 0x010005,
    shutdown = 0x010007,
    boot_to = 0x010008,
    device_control = 0x010009,
    init_external_ram = 0x01000A,
    switch_usb_speed = 0x01000B,
    setup_environment = 0x010100,
    setup_hardware = 0x010101,
};

enum class Control : std::uint32_t {
    set_battery = 0x020002,
    set_checksum_level = 0x020003,
    set_reset_key = 0x020004,
    get_emmc_info = 0x040001,
    get_nand_info = 0x040002,
    get_nor_info = 0x040003,
    get_ufs_info = 0x040004,
    get_da_version = 0x040005,
    get_packet_length = 0x040007,
    get_random_id = 0x040008,
    get_partition_table_kind = 0x040009,
    get_connection_agent = 0x04000A,
    get_usb_speed = 0x04000B,
    get_ram_info = 0x04000C,
    get_chip_id = 0x04000D,
    get_expire_date = 0x040011,
    get_sla_enabled = 0x040016,
    optional_download_done = 0x800005,
};

constexpr std::uint32_t status_unsupported_command = 0xC0010003;
constexpr std::uint32_t status_unsupported_control = 0xC0010004;
constexpr std::uint32_t status_protocol_error = 0xC0010005;
constexpr std::uint32_t status_write_error = 0xC001000F;
constexpr std::uint32_t status_read_error = 0xC0010010;

/// Storage kinds and eMMC parts of READ_DATA and WRITE_DATA.
constexpr std::uint32_t storage_emmc = 1;
constexpr std::uint32_t storage_ufs = 0x30;
constexpr std::uint32_t part_user = 8;
/// u32 storage, u32 part, u64 address, u64 length, 8 x u32 that only NAND reads.
constexpr std::size_t transfer_parameter_bytes = 56;

/// GET_EMMC_INFO up to the firmware version.
constexpr std::size_t emmc_info_bytes = 96;

} // namespace salvage::device::xflash
