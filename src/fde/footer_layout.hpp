// Where the fields of a crypto footer lie.  AOSP system/vold cryptfs.h, struct crypt_mnt_ftr, Android 4.0 to 11.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace salvage::fde::layout {

inline constexpr std::uint32_t aosp_magic = 0xD0B5B1C4;
inline constexpr std::uint32_t samsung_magic = 0xD0B5B1C5; ///< TWRP, CRYPT_MNT_MAGIC_SAMSUNG
inline constexpr std::uint16_t only_major = 1;
inline constexpr std::uint16_t newest_minor = 3;

// The head: the same in every version and on Samsung phones.
inline constexpr std::size_t magic = 0x000;
inline constexpr std::size_t major_version = 0x004;
inline constexpr std::size_t minor_version = 0x006;
inline constexpr std::size_t ftr_size = 0x008;
inline constexpr std::size_t flags = 0x00C;
inline constexpr std::size_t keysize = 0x010;
inline constexpr std::size_t crypt_type = 0x014; ///< spare1 before 1.3
inline constexpr std::size_t fs_size = 0x018;
inline constexpr std::size_t failed_decrypt_count = 0x020;
inline constexpr std::size_t crypto_type_name = 0x024;
inline constexpr std::size_t crypto_type_name_bytes = 64;
inline constexpr std::size_t head_bytes = 0x064;

// From 1.1 on.
inline constexpr std::size_t master_key = 0x068;
inline constexpr std::size_t master_key_bytes = 48;
inline constexpr std::size_t salt = 0x098;
inline constexpr std::size_t salt_bytes = 16;
inline constexpr std::size_t persist_data_offset = 0x0A8; ///< two of them
inline constexpr std::size_t persist_data_size = 0x0B8;
inline constexpr std::size_t end_of_1_1 = 0x0BC;

// From 1.2 on.
inline constexpr std::size_t kdf_type = 0x0BC;
inline constexpr std::size_t n_factor = 0x0BD;
inline constexpr std::size_t r_factor = 0x0BE;
inline constexpr std::size_t p_factor = 0x0BF;
inline constexpr std::size_t end_of_1_2 = 0x0C0;

// From 1.3 on.
inline constexpr std::size_t encrypted_upto = 0x0C0;
inline constexpr std::size_t hash_first_block = 0x0C8;
inline constexpr std::size_t keymaster_blob = 0x0E8;
inline constexpr std::size_t keymaster_blob_bytes = 2048;
inline constexpr std::size_t keymaster_blob_size = 0x8E8;
inline constexpr std::size_t scrypted_intermediate_key = 0x8EC;
inline constexpr std::size_t sha256 = 0x90C; ///< Android 7 and later
inline constexpr std::size_t sha256_bytes = 32;
inline constexpr std::size_t end_of_1_3 = 0x930;

/// 1.0 keeps key and salt behind the struct: the key at ftr_size, the salt after the key and 32 bytes of padding.
inline constexpr std::size_t salt_padding = 32;
/// 0x64 where 64-bit numbers align to 4 (x86), 0x68 elsewhere; a larger one than this would leave the 16 KiB area.
inline constexpr std::uint32_t smallest_ftr_size = 0x64;
inline constexpr std::uint32_t largest_ftr_size = 0x3F00;

/// 2^41 sectors are 1 PiB: no phone has them.
inline constexpr std::uint64_t fs_size_limit = 1ULL << 41U;
/// scrypt factors are powers of two; vold's default is 15:3:1, and 2^24 would need 16 GiB.
inline constexpr std::uint8_t largest_factor = 24;

// Samsung's payload, 112 bytes.  TWRP libcrypt_samsung, edk_payload_t; libsec_km's create_EDK.
inline constexpr std::uint32_t edk_magic = 0x1001E4B1;
inline constexpr std::uint32_t edk_version = 2;
inline constexpr std::size_t edk_payload = 0x064;
inline constexpr std::size_t edk_key = 0x20; ///< from here on within the payload
inline constexpr std::size_t edk_key_bytes = 32;
inline constexpr std::size_t edk_hmac = 0x40;
inline constexpr std::size_t edk_hmac_bytes = 32;
inline constexpr std::size_t edk_salt = 0x60;
inline constexpr std::size_t edk_payload_bytes = 0x70;

inline constexpr std::string_view qualcomm_hw_cipher = "aes-xts";
inline constexpr std::string_view samsung_fmp_cipher = "aes-xts-fmp";
inline constexpr std::string_view samsung_disk_cipher = "aes-xts-disk";

} // namespace salvage::fde::layout
