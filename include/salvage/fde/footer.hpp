// The crypto footer: what Android keeps beside an encrypted partition so that a password opens it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/core/finding.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/units.hpp"
#include "salvage/crypto/kdf.hpp"

namespace salvage::fde {

/// Bytes a footer and what belongs to it may take; enough for every kind, persist data excluded.
inline constexpr ByteCount footer_area{0x4000};

enum class FooterKind : std::uint8_t {
    aosp,
    samsung_edk, ///< wrapped data key with HMAC, Android about 3 to 4.4
    samsung_ode, ///< magic C5, version 1.3: key unwrapped in the TEE
    qualcomm_hw, ///< cipher name exactly "aes-xts"
};
[[nodiscard]] std::string_view
to_string(FooterKind kind) noexcept; ///< "aosp", "samsung-edk", "samsung-ode", "qualcomm-hw"

enum class Kdf : std::uint8_t {
    pbkdf2 = 1,
    scrypt = 2,
    scrypt_keymaster_unpadded = 3,
    scrypt_keymaster_badly_padded = 4,
    scrypt_keymaster = 5,
    samsung_pbkdf2_sha256 = 100, ///< ours: PBKDF2-HMAC-SHA256, 4096 iterations
    unknown = 255,
};
[[nodiscard]] std::string_view to_string(Kdf kdf) noexcept; ///< "pbkdf2", "scrypt", "scrypt-keymaster", …

enum class CryptType : std::uint8_t { password = 0, default_password = 1, pattern = 2, pin = 3 };
[[nodiscard]] std::string_view to_string(CryptType type) noexcept;

/// What the keymaster blob turned out to be.
enum class KeymasterBlob : std::uint8_t { none, software, bkmk, opaque };
[[nodiscard]] std::string_view to_string(KeymasterBlob blob) noexcept;

namespace footer_flag {
inline constexpr std::uint32_t key_unencrypted = 0x1;
inline constexpr std::uint32_t encryption_in_progress = 0x2;
inline constexpr std::uint32_t inconsistent_state = 0x4;
inline constexpr std::uint32_t data_corrupt = 0x8;
inline constexpr std::uint32_t force_encryption = 0x10;
inline constexpr std::uint32_t force_complete = 0x20;
} // namespace footer_flag

struct PersistEntry {
    std::string key;
    std::string value;
};

/// A parsed, validated footer.  Byte fields are as stored; nothing here is secret before a password is known.
struct CryptoFooter {
    FooterKind kind{FooterKind::aosp};
    std::uint16_t major{1};
    std::uint16_t minor{};
    std::uint32_t ftr_size{};
    std::uint32_t flags{};
    std::uint32_t key_bytes{};
    std::uint32_t crypt_type_raw{};
    std::optional<CryptType> crypt_type; ///< 1.3 only
    SectorCount fs_size{};               ///< 512-byte sectors of the mapped device; 0: unknown (hash lines, raw keys)
    std::uint32_t failed_decrypt_count{};
    std::string cipher;
    Bytes wrapped_key;        ///< key_bytes long (Samsung EDK: the 32-byte EDK)
    std::vector<Bytes> salts; ///< 16 bytes each; usual place first (HTC 256-bit footers may have it elsewhere)
    Bytes samsung_hmac;       ///< 32 bytes with samsung_edk
    Kdf kdf{Kdf::pbkdf2};
    std::uint8_t kdf_raw{};
    crypto::ScryptFactors scrypt;
    std::optional<SectorCount> encrypted_upto;                          ///< 1.3
    std::optional<std::array<std::byte, 32>> hash_first_block;          ///< 1.3, where not zero
    std::optional<std::array<std::byte, 32>> scrypted_intermediate_key; ///< 1.3, where not zero
    Bytes keymaster_blob;
    KeymasterBlob keymaster{KeymasterBlob::none};
    std::optional<bool>
        is_sha256_valid; ///< 1.3 of Android 7+: the footer's own hash agrees; nothing where there is none
    std::array<std::uint64_t, 2> persist_data_offset{};
    std::uint32_t persist_data_size{};
    std::vector<Finding> findings; ///< oddities that were survived
};

/// A named field of a footer, for hex views and reports.
struct FooterField {
    std::string name;    ///< the spec's own: "failed_decrypt_count"
    ByteRange range;     ///< within the footer
    std::string value;   ///< as shown: "0x3509f00"
    std::string meaning; ///< in words, may be empty
    std::string spec;    ///< source of the fact
};

/// `bytes` starts at the footer's first byte and holds what there is, up to footer_area.
/// Errors: truncated; malformed (no magic, impossible field: where = offset in `bytes`); unsupported (version).
/// Spec: AOSP system/vold cryptfs.h, struct crypt_mnt_ftr; Samsung libsec_km as docs/formats/crypto-footer.md tells.
[[nodiscard]] Result<CryptoFooter> parse_footer(ByteView bytes);
[[nodiscard]] bool has_footer_magic(ByteView first_four_bytes) noexcept;

/// The fields of a footer that parse_footer accepts, in order of offset.
[[nodiscard]] Result<std::vector<FooterField>> describe_footer(ByteView bytes);

/// The properties kept beside the footer (language, owner info).  `bytes` is one 0x1000-byte copy.
/// Errors: malformed (magic), truncated.
[[nodiscard]] Result<std::vector<PersistEntry>> parse_persist_data(ByteView bytes);

/// Whether a footer at `at_in_partition` of a partition of `partition_size` bytes is where its own fields say it is.
struct PlacementCheck {
    bool fits{};
    std::string text; ///< the sums, in words
};
[[nodiscard]] PlacementCheck check_placement(const CryptoFooter& footer, ByteOffset at_in_partition,
                                             ByteCount partition_size, std::optional<ByteCount> userdata_size);

} // namespace salvage::fde
