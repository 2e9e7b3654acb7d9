// Building a phone dump that never was a phone: for `salvage demo`, and as an independent witness for whole rescues.
//
// Nothing here uses our own ciphers, footers or partition tables: OpenSSL, e2fsprogs and f2fs-tools make the bytes, so
// that a mistake in the code that reads them cannot hide.  Layout after the MediaTek MT6750 of the first rescue
// (docs/formats/sample-phone.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/core/secret.hpp"
#include "salvage/core/units.hpp"

namespace salvage::rescue {

/// What the owner types to open the phone.
struct SampleSecret {
    enum class Kind : std::uint8_t {
        default_password, ///< nothing: Android's own "default_password"; `text` is ignored
        pin,
        pattern_digits, ///< `text` "14789": nodes row by row from 1, as Android 5.1 and later encode them
        pattern_raw,    ///< the same `text`, encoded as early Android 5 did: bytes 0x00 to 0x08
        password,
    };
    Kind kind{Kind::pin};
    std::string text{"1397"};
};

/// The crypto footer: which struct, where, and how the key is wrapped in it.
struct SampleFooter {
    enum class Layout : std::uint8_t { aosp_1_0, aosp_1_2, aosp_1_3, samsung_edk };
    enum class Place : std::uint8_t {
        userdata_tail, ///< 16 KiB before the end of userdata
        metadata,      ///< first byte of the partition `metadata`
        none,          ///< userdata is encrypted and its footer is nowhere in the dump
    };
    enum class Keymaster : std::uint8_t {
        software_pkcs8, ///< software keymaster 1: integrity-assured container around PKCS#8
        software_pkcs1, ///< the same around PKCS#1
        software_pk8,   ///< software keymaster 0: "PK#8"
        bkmk,           ///< Qualcomm keymaster 0; SamplePhone::phone_keys opens it
        opaque,         ///< random bytes; the RSA key is thrown away
    };
    enum class Unwrap : std::uint8_t {
        aes_128, ///< AOSP: 32 derived bytes
        aes_256, ///< HTC: 48 derived bytes
    };
    Layout layout{Layout::aosp_1_3};
    Place place{Place::metadata};
    std::uint8_t kdf{2}; ///< 1 PBKDF2, 2 scrypt, 3 to 5 scrypt and keymaster; 1.0 and Samsung EDK have only their own
    Keymaster keymaster{Keymaster::software_pkcs8};
    std::uint8_t n_log2{15};
    std::uint8_t r_log2{3};
    std::uint8_t p_log2{1};
    Unwrap unwrap{Unwrap::aes_128};
    bool has_salt_after_padding{false}; ///< 1.2 with a 32-byte key: salt at 0xA8 as in HTC trees, not at 0x98
    bool has_check_value{true};         ///< 1.3: scrypted_intermediate_key; absent in footers upgraded from Android 4.4
    bool has_own_hash{true};            ///< 1.3: the struct of Android 7, 0x930 bytes; without: 0x910
    std::optional<std::uint32_t> crypt_type{}; ///< nothing: as the secret's kind is
    /// 0x1 key in clear; 0x2 interrupted: half of the used blocks are encrypted; 0x10 data not yet encrypted;
    /// 0x10 and 0x20 wrap the key with "default_password" while the check value is of the owner's secret.
    std::uint32_t flags{0};
    std::uint32_t failed_decrypt_count{0};
    bool is_of_another_phone{false}; ///< same secret, but it wraps a key that userdata was not encrypted with
    std::optional<std::string> owner_info{"If found, call 555-0142"}; ///< in the persist data; nothing: no persist data
};

/// How userdata is encrypted.
struct SampleCipher {
    enum class Extent : std::uint8_t {
        used_blocks, ///< as Android's fast conversion does: blocks that were free stay as they were
        whole,
    };
    std::string name{"aes-cbc-essiv:sha256"}; ///< or "aes-cbc-plain64", "aes-cbc-plain:sha1", "aes-xts-plain64"
    std::uint32_t key_bytes{16};              ///< 16, 32; 64 only with XTS and footer 1.0 or none
    std::uint32_t sector_bytes{512};          ///< or 4096
    bool has_large_sector_ivs{true};          ///< with 4096: the IV counts 4096-byte sectors
    bool is_iv_counted_from_disk{false}; ///< the IV starts at the partition's own LBA, as MediaTek hardware FDE does
    Extent extent{Extent::used_blocks};
};

/// What userdata holds.
struct SampleContent {
    enum class State : std::uint8_t { encrypted, not_encrypted, file_based_encryption };
    enum class Volume : std::uint8_t {
        ext4,
        f2fs, ///< by sload.f2fs: no fifo, no extended attributes, owners only for root; 72 MiB at least
    };
    State state{State::encrypted};
    Volume volume{Volume::ext4};
    unsigned photos{12};
    bool has_dirty_journal{false}; ///< ext4: /late and its folder exist only once the journal is replayed
    bool has_checksums{false};     ///< ext4 metadata_csum, f2fs inode_checksum; Android 7 formats without
    bool has_decoys{false};        ///< a broken footer in `para`, an outdated whole one in a file of `cache`
};

/// What happened to the dump.
struct SampleDamage {
    bool is_cut_inside_userdata{false};
    bool is_one_byte_short{false};
    bool is_primary_gpt_destroyed{false};
    bool is_backup_gpt_destroyed{false};
    bool is_scatter_shifted{false}; ///< the scatter puts `cache` 1 MiB away from where the GPT has it
    std::vector<std::string>
        unreadable_files{}; ///< two sectors in each could not be read: zero in the dump, `-` in the map
};

struct SamplePhoneSpec {
    enum class Era : std::uint8_t {
        gpt, ///< MT6750, Android 7: GPT, scatter V1.1.2
        mbr, ///< MT6582, Android 4.4: MBR, EBR1 and PMT, upper-case names, scatter V1.1.1
    };
    std::uint64_t seed{1};               ///< content, salts and keys follow from it
    ByteCount userdata_size{64U << 20U}; ///< 24 MiB at least, 72 with f2fs, a multiple of 1 MiB
    Era era{Era::gpt};
    SampleSecret secret{};
    SampleFooter footer{};
    SampleCipher cipher{};
    SampleContent content{};
    SampleDamage damage{};
};

/// A file of userdata as it was put there; paths are as in the volume ("/media/0/DCIM/…").
struct ExpectedFile {
    enum class Type : std::uint8_t { regular, folder, symlink, fifo };
    std::string path;
    Type type{Type::regular};
    std::uint64_t size{};
    std::uint32_t mode{}; ///< permission bits
    std::uint32_t uid{};
    std::uint32_t gid{};
    std::int64_t mtime{};    ///< seconds
    std::string sha256;      ///< hex, of regular files
    std::string link_target; ///< of symlinks
    std::vector<std::pair<std::string, std::string>> xattrs;
    std::vector<ByteRange> unreadable; ///< in the file
    bool needs_journal{false};         ///< there only once the journal is replayed
};

struct SamplePartition {
    std::string name;
    ByteOffset start;
    ByteCount size;
};

/// The phone's own keys, for a `bkmk` keymaster.
struct SamplePhoneKeys {
    SecretBytes encryption_key;
    SecretBytes hmac_key;
};

struct SamplePhone {
    std::filesystem::path dump;    ///< phone.img, the user area
    std::filesystem::path boot1;   ///< boot1.bin, the preloader's region
    std::filesystem::path scatter; ///< MT67…_Android_scatter.txt
    std::filesystem::path fstab;
    std::optional<std::filesystem::path> map; ///< phone.img.map, ddrescue's format
    SecretBytes secret;                       ///< as it goes into the key derivation
    SecretBytes master_key;                   ///< that userdata is encrypted with; empty where it is not
    std::optional<SamplePhoneKeys> phone_keys;
    std::vector<ExpectedFile> files;         ///< by path
    std::vector<SamplePartition> partitions; ///< user area, by start
    ByteCount device_size;                   ///< of the whole user area, before any cut
    std::optional<ByteOffset> footer_at;     ///< in the dump
    ByteOffset userdata_at;
    ByteCount volume_size;                   ///< of the mapped device
    std::optional<ByteCount> encrypted_upto; ///< interrupted: plain from here on
};

/// Builds a phone in `folder`, which must exist and hold none of the files named above.  Writes sparse files.
///
/// Same spec and tools, same bytes.  About a second for the default; the key derivation of the footer is part of it.
/// Errors: invalid_argument (a spec that no phone could have); already_exists; not_found (mke2fs, debugfs, dumpe2fs,
/// sqlite3 or, for f2fs, mkfs.f2fs and sload.f2fs are not installed); io, no_space; cancelled; internal (a tool failed:
/// says what it printed).
[[nodiscard]] Result<SamplePhone> build_sample_phone(const SamplePhoneSpec& spec, const std::filesystem::path& folder,
                                                     const RunContext& context);

/// What goes into the key derivation for a secret as a person would say it.
[[nodiscard]] SecretBytes sample_secret_bytes(const SampleSecret& secret);

} // namespace salvage::rescue
