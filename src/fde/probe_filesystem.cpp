// Filesystems in the clear, as they look from outside.
#include <algorithm>
#include <array>
#include <bit>

#include "fde/places.hpp"
#include "salvage/fde/unlock.hpp"

namespace salvage::fde {
namespace {

constexpr std::size_t probed_bytes = 8192;

template <std::unsigned_integral T>
T field(ByteView bytes, std::size_t at)
{
    return load_le<T>(bytes.subspan(at, sizeof(T)));
}

std::string text_of(ByteView bytes)
{
    const auto text = as_text(bytes);
    return std::string{text.substr(0, text.find('\0'))};
}

PlainFilesystem filesystem_of(const Evidence& evidence)
{
    return {.name = std::string{evidence.filesystem},
            .size = evidence.size,
            .has_encrypt_feature = evidence.has_encrypt_feature,
            .label = evidence.label};
}

/// Spec: Linux, fs/erofs/erofs_fs.h.
std::optional<PlainFilesystem> probe_erofs(ByteView bytes)
{
    constexpr std::uint32_t magic = 0xE0F5E1E2;
    constexpr std::size_t superblock_bytes = 128;
    if (bytes.size() < superblock_at + superblock_bytes) {
        return std::nullopt;
    }
    const auto superblock = bytes.subspan(superblock_at, superblock_bytes);
    const auto log_block = field<std::uint8_t>(superblock, 0x0C);
    const auto blocks = field<std::uint32_t>(superblock, 0x24);
    if (field<std::uint32_t>(superblock, 0) != magic || log_block < 9 || log_block > 16 || blocks == 0) {
        return std::nullopt;
    }
    return PlainFilesystem{.name = "erofs",
                           .size = ByteCount{std::uint64_t{blocks} << log_block},
                           .has_encrypt_feature = false,
                           .label = text_of(superblock.subspan(0x40, 16))};
}

/// Spec: Linux, fs/squashfs/squashfs_fs.h.
std::optional<PlainFilesystem> probe_squashfs(ByteView bytes)
{
    constexpr std::string_view magic{"hsqs"};
    constexpr std::size_t superblock_bytes = 96;
    if (bytes.size() < superblock_bytes || !as_text(bytes).starts_with(magic)) {
        return std::nullopt;
    }
    const auto block_bytes = field<std::uint32_t>(bytes, 0x0C);
    if (field<std::uint16_t>(bytes, 0x1C) != 4 || !std::has_single_bit(block_bytes)) {
        return std::nullopt;
    }
    return PlainFilesystem{.name = "squashfs",
                           .size = ByteCount{field<std::uint64_t>(bytes, 0x28)},
                           .has_encrypt_feature = false,
                           .label = {}};
}

bool has_boot_signature(ByteView boot, std::string_view name)
{
    constexpr std::uint16_t signature = 0xAA55;
    return boot.size() >= 512 && as_text(boot).substr(3, 8) == name && field<std::uint16_t>(boot, 510) == signature;
}

/// Spec: Microsoft, exFAT specification, 3.1: MustBeZero keeps FAT from mistaking it for its own.
std::optional<PlainFilesystem> probe_exfat(ByteView bytes)
{
    if (!has_boot_signature(bytes, "EXFAT   ") || !is_all_zero(bytes.subspan(11, 53))) {
        return std::nullopt;
    }
    const auto sector_shift = field<std::uint8_t>(bytes, 108);
    const auto sectors = field<std::uint64_t>(bytes, 72);
    if (sector_shift < 9 || sector_shift > 12 || sectors > UINT64_MAX >> sector_shift) {
        return std::nullopt;
    }
    return PlainFilesystem{
        .name = "exfat", .size = ByteCount{sectors << sector_shift}, .has_encrypt_feature = false, .label = {}};
}

/// Spec: Linux, fs/ntfs/layout.h, struct NTFS_BOOT_SECTOR: what FAT has at 14 and 17 is zero.
std::optional<PlainFilesystem> probe_ntfs(ByteView bytes)
{
    if (!has_boot_signature(bytes, "NTFS    ") || !is_all_zero(bytes.subspan(14, 7))) {
        return std::nullopt;
    }
    const auto size = checked_multiply<std::uint64_t>(field<std::uint64_t>(bytes, 40), field<std::uint16_t>(bytes, 11));
    return PlainFilesystem{
        .name = "ntfs", .size = ByteCount{size.value_or(0)}, .has_encrypt_feature = false, .label = {}};
}

/// What a second place on the volume says of the first; unknown where it cannot be read.
enum class Confirmed : std::uint8_t { yes, no, unknown };

std::optional<Bytes> readable(const io::ByteSource& source, std::uint64_t at, std::uint64_t count)
{
    auto bytes = io::read_bytes(source, ByteOffset{at}, ByteCount{count});
    return bytes.has_value() ? std::optional{std::move(*bytes)} : std::nullopt;
}

/// VolumeFlags and PercentInUse change without the checksum.
constexpr bool is_of_no_checksum(std::size_t at) noexcept
{
    return at == 106 || at == 107 || at == 112;
}

/// Spec: exFAT specification, 3.4: the sum of sectors 0 to 10 fills sector 11.
Confirmed has_exfat_checksum(const io::ByteSource& source, std::size_t sector)
{
    constexpr std::size_t summed_sectors = 11;
    const auto region = readable(source, 0, (summed_sectors + 1) * sector);
    if (!region) {
        return Confirmed::unknown;
    }
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < summed_sectors * sector; ++i) {
        if (!is_of_no_checksum(i)) {
            sum = ((sum & 1U) << 31U) + (sum >> 1U) + std::to_integer<std::uint32_t>((*region)[i]);
        }
    }
    return field<std::uint32_t>(*region, summed_sectors * sector) == sum ? Confirmed::yes : Confirmed::no;
}

/// Spec: exFAT specification, 3.2: the backup boot region begins at sector 12.
Confirmed has_exfat_backup(const io::ByteSource& source, std::size_t sector)
{
    const auto first = readable(source, 0, 512);
    const auto backup = readable(source, 12 * std::uint64_t{sector}, 512);
    if (!first || !backup) {
        return Confirmed::unknown;
    }
    for (std::size_t i = 0; i < first->size(); ++i) {
        if (!is_of_no_checksum(i) && (*first)[i] != (*backup)[i]) {
            return Confirmed::no;
        }
    }
    return Confirmed::yes;
}

/// A record of the file table, or one that Windows found damaged.
Confirmed has_record(const io::ByteSource& source, std::uint64_t cluster, std::uint64_t cluster_bytes)
{
    const auto at = checked_multiply(cluster, cluster_bytes);
    const auto magic = at ? readable(source, *at, 4) : std::nullopt;
    if (!magic) {
        return Confirmed::unknown;
    }
    return as_text(*magic) == "FILE" || as_text(*magic) == "BAAD" ? Confirmed::yes : Confirmed::no;
}

bool is_exfat_denied(const io::ByteSource& source, ByteView boot)
{
    const std::size_t sector = std::size_t{1} << field<std::uint8_t>(boot, 108);
    return has_exfat_checksum(source, sector) == Confirmed::no && has_exfat_backup(source, sector) == Confirmed::no;
}

bool is_ntfs_denied(const io::ByteSource& source, ByteView boot)
{
    // Above 0x80 it is the negative power of two of sectors.
    const auto per_cluster = field<std::uint8_t>(boot, 13);
    const auto sectors = per_cluster <= 0x80 ? std::uint64_t{per_cluster} : 1ULL << std::min(256U - per_cluster, 20U);
    const auto cluster_bytes = sectors * field<std::uint16_t>(boot, 11);
    return has_record(source, field<std::uint64_t>(boot, 48), cluster_bytes) == Confirmed::no &&
           has_record(source, field<std::uint64_t>(boot, 56), cluster_bytes) == Confirmed::no;
}

/// One boot sector is no filesystem: it may be left of another time, under an encrypted volume whose filesystem does
/// not use its first bytes, or be all that a wrong size of sectors decrypts.  Unless both other places can be read and
/// say no, it is believed.
bool is_confirmed(const io::ByteSource& source, ByteView boot, std::string_view name)
{
    return name == "exfat" ? !is_exfat_denied(source, boot) : !is_ntfs_denied(source, boot);
}

/// The start of the source, as far as it can be read: a bad sector behind the superblock hides no filesystem.
Bytes read_start(const io::ByteSource& source)
{
    for (const std::uint64_t count : {std::uint64_t{probed_bytes}, std::uint64_t{2048}, std::uint64_t{1536}}) {
        auto bytes = io::read_up_to(source, ByteOffset{0}, ByteCount{count});
        if (bytes.has_value()) {
            return std::move(*bytes);
        }
    }
    return {};
}

} // namespace

std::optional<PlainFilesystem> probe_filesystem(const io::ByteSource& source)
{
    const auto start = read_start(source);
    const ByteView bytes{start};
    for (const auto& place : superblock_places(bytes.size())) {
        if (place.at >= bytes.size()) {
            continue;
        }
        const auto evidence = judge(place, bytes.subspan(place.at), std::nullopt);
        if (evidence.has_magic && evidence.bits >= proof_bits) {
            return filesystem_of(evidence);
        }
    }
    for (const auto probe : {probe_erofs, probe_squashfs}) {
        if (auto found = probe(bytes)) {
            return found;
        }
    }
    for (const auto probe : {probe_exfat, probe_ntfs}) {
        if (auto found = probe(bytes); found && is_confirmed(source, bytes, found->name)) {
            return found;
        }
    }
    return std::nullopt;
}

} // namespace salvage::fde
