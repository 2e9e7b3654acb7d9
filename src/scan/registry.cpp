// The signatures that are looked for when nothing is asked.  Each has at least four bytes at a sector's fixed place, or
// seven anywhere, so that random data of any phone's size matches about none (docs/formats/signatures.md counts).
#include <array>
#include <string_view>

#include "salvage/scan/scan.hpp"

namespace salvage::scan {
namespace {

using namespace std::literals;

constexpr std::uint32_t anywhere = 1;
constexpr std::uint32_t sector = 512;

struct Signature {
    std::string_view name;
    std::string_view bytes;
    std::uint32_t alignment{anywhere};
    std::uint32_t at{0}; ///< in a unit of `alignment` bytes
    std::string_view source;
};

// What opens the phone first, then what holds it, then what lies in it.
constexpr auto signatures = std::to_array<Signature>({
    // Encryption.
    {"aosp-footer", "\xC4\xB1\xB5\xD0\x01\x00"sv, sector, 0, "AOSP vold, cryptfs.h: CRYPT_MNT_MAGIC, major version 1"},
    {"samsung-footer", "\xC5\xB1\xB5\xD0\x01\x00"sv, sector, 0, "TWRP cryptfs.h: CRYPT_MNT_MAGIC_SAMSUNG"},
    {"samsung-edk", "\xB1\xE4\x01\x10\x02\x00\x00\x00"sv, anywhere, 0, "TWRP, edk_payload_t: magic, then 2"},
    {"cipher-cbc-essiv", "aes-cbc-essiv:sha256"sv, anywhere, 0, "AOSP vold, crypto_type_name of every version"},
    {"cipher-cbc-plain", "aes-cbc-plain"sv, anywhere, 0, "Linux dm-crypt; Samsung vold of Android 4"},
    {"cipher-xts", "aes-xts"sv, anywhere, 0, "Qualcomm cryptfs_hw, Samsung vold, Linux dm-crypt"},
    {"cipher-adiantum", "xchacha12,aes-adiantum"sv, anywhere, 0, "AOSP vold of Android 9: ro.crypto.fde_algorithm"},
    {"cipher-speck", "speck128-xts"sv, anywhere, 0, "AOSP vold before the release of Android 9"},
    {"persist-data", "\x44\xCD\x50\xE9"sv, sector, 0, "AOSP vold, cryptfs.h: PERSIST_DATA_MAGIC 0xE950CD44"},
    {"keymaster-qualcomm", "BKMK"sv, sector, 0xE8, "hardware/qcom/keymaster; keymaster_blob of footer 1.3"},
    {"keymaster-software", "PK#8\x00\x00\x00\x06"sv, anywhere, 0, "AOSP softkeymaster: magic, key type RSA"},
    {"keystore-blob", "pKMblob\x00"sv, anywhere, 0, "AOSP keystore2 of Android 12: prefix of key blobs"},
    {"luks1", "LUKS\xBA\xBE\x00\x01"sv, sector, 0, "LUKS1 On-Disk Format 1.2.3, section 2"},
    {"luks2", "LUKS\xBA\xBE\x00\x02"sv, sector, 0, "LUKS2 On-Disk Format 1.1, section 2.1"},
    // Partition tables.
    {"gpt", "EFI PART\x00\x00\x01\x00"sv, sector, 0, "UEFI 2.10, 5.3.2: signature, revision 1.0"},
    {"mediatek-pmt", "1vTP1."sv, sector, 0, "MediaTek pmt.h: PTv1 little-endian, version 1.x"},
    {"mediatek-pmt-mirror", "1TPM1."sv, sector, 0, "MediaTek pmt.h: MPT1 little-endian, version 1.x"},
    {"mediatek-pmt3", "3vTP1."sv, sector, 0, "MediaTek pmt.h: PTv3 little-endian, version 1.x"},
    {"mediatek-pmt3-mirror", "3TPM1."sv, sector, 0, "MediaTek pmt.h: MPT3 little-endian, version 1.x"},
    {"samsung-pit", "\x76\x98\x34\x12"sv, sector, 0, "Heimdall, libpit.h: file identifier 0x12349876"},
    {"super-geometry", "gDla\x34\x00\x00\x00"sv, sector, 0, "AOSP liblp: LP_METADATA_GEOMETRY_MAGIC, size 52"},
    {"super-metadata", "0PLA\x0A\x00"sv, sector, 0, "AOSP liblp: LP_METADATA_HEADER_MAGIC, major version 10"},
    // Boot chain and images.
    {"boot-image", "ANDROID!"sv, sector, 0, "AOSP bootimg.h: BOOT_MAGIC"},
    {"vendor-boot-image", "VNDRBOOT"sv, sector, 0, "AOSP bootimg.h: VENDOR_BOOT_MAGIC"},
    {"samsung-image-end", "SEANDROIDENFORCE"sv, anywhere, 0, "Samsung boot images: 16 bytes behind the last part"},
    {"vbmeta", "AVB0\x00\x00\x00\x01"sv, sector, 0, "AOSP avb_vbmeta_image.h: AVB_MAGIC, major version 1"},
    {"vbmeta-footer", "AVBf\x00\x00\x00\x01"sv, sector, 0x1C0, "AOSP avb_footer.h: the last 64 bytes of a partition"},
    {"verity-metadata", "\x01\xB0\x01\xB0\x00\x00\x00\x00"sv, sector, 0,
     "AOSP libfec, fec_io.h: VERITY_MAGIC, version 0"},
    {"mediatek-image", "\x88\x16\x88\x58"sv, sector, 0, "MediaTek little kernel: PART_MAGIC 0x58881688"},
    {"mediatek-preloader",
     "MMM\x01\x38\x00\x00\x00"
     "FILE_INFO"sv,
     sector, 0, "MediaTek preloader: GFH header of type FILE_INFO"},
    {"mediatek-emmc-boot", "EMMC_BOOT\x00"sv, sector, 0, "MediaTek preloader region on eMMC"},
    {"mediatek-ufs-boot", "UFS_BOOT\x00"sv, sector, 0, "MediaTek preloader region on UFS"},
    {"device-tree-table", "\xD7\xB7\xAB\x1E"sv, sector, 0, "AOSP dt_table.h: DT_TABLE_MAGIC"},
    {"android-sparse", "\x3A\xFF\x26\xED\x01\x00"sv, sector, 0,
     "AOSP libsparse, sparse_format.h: magic, major version 1"},
    // Filesystems.  ext4's magic has two bytes; the state behind it tells it from chance.
    {"ext4-clean", "\x53\xEF\x01\x00"sv, sector, 0x38, "Linux ext4.h: s_magic, s_state = EXT4_VALID_FS"},
    {"ext4-in-use", "\x53\xEF\x00\x00"sv, sector, 0x38, "Linux ext4.h: s_magic, s_state = 0"},
    {"ext4-with-errors", "\x53\xEF\x02\x00"sv, sector, 0x38, "Linux ext4.h: s_magic, s_state = EXT4_ERROR_FS"},
    {"ext4-clean-with-errors", "\x53\xEF\x03\x00"sv, sector, 0x38, "Linux ext4.h: s_magic, both states"},
    {"f2fs", "\x10\x20\xF5\xF2\x01\x00"sv, sector, 0, "Linux f2fs_fs.h: F2FS_SUPER_MAGIC, major version 1"},
    {"erofs", "\xE2\xE1\xF5\xE0"sv, sector, 0, "Linux erofs_fs.h: EROFS_SUPER_MAGIC_V1"},
    {"squashfs", "hsqs"sv, sector, 0, "Linux squashfs_fs.h: SQUASHFS_MAGIC"},
    {"ubi", "UBI#\x01\x00\x00\x00"sv, sector, 0, "Linux ubi-media.h: UBI_EC_HDR_MAGIC, version 1"},
    {"fat12", "FAT12   "sv, sector, 0x36, "Microsoft FAT specification, BS_FilSysType"},
    {"fat16", "FAT16   "sv, sector, 0x36, "Microsoft FAT specification, BS_FilSysType"},
    {"fat32", "FAT32   "sv, sector, 0x52, "Microsoft FAT specification, BS_FilSysType"},
    {"exfat",
     "\xEB\x76\x90"
     "EXFAT   "sv,
     sector, 0, "Microsoft exFAT specification, 3.1"},
    {"ntfs", "\xEB\x52\x90NTFS    "sv, sector, 0, "Linux ntfs layout.h: jump, oem_id"},
    // Files.
    {"sqlite", "SQLite format 3\x00"sv, sector, 0, "SQLite file format, 1.3"},
});

std::vector<Pattern> make_patterns()
{
    std::vector<Pattern> out;
    out.reserve(signatures.size());
    for (const auto& signature : signatures) {
        const auto bytes = as_bytes(signature.bytes);
        out.push_back({.name = std::string{signature.name},
                       .bytes = {bytes.begin(), bytes.end()},
                       .alignment = signature.alignment,
                       .offset_in_unit = signature.at});
    }
    return out;
}

} // namespace

const std::vector<Pattern>& default_patterns()
{
    static const auto patterns = make_patterns();
    return patterns;
}

} // namespace salvage::scan
