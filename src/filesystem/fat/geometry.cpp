// Boot sectors of FAT and exFAT, field by field.
#include "geometry.hpp"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "filesystem/fields.hpp"
#include "names.hpp"

namespace salvage::filesystem::fat {
namespace {

using namespace std::string_view_literals;

// Microsoft, FAT specification: the type follows from the number of clusters and from nothing else.
constexpr std::uint32_t least_fat16_clusters = 4085;
constexpr std::uint32_t most_fat32_clusters = 0x0FFFFFF5;
constexpr std::size_t entry_bytes = 32;

bool is_sector_size(std::uint32_t bytes) noexcept
{
    return bytes >= 512 && bytes <= 4096 && std::has_single_bit(bytes);
}

/// Bytes that the table needs for `clusters` and the two numbers before them.
std::uint64_t table_bytes_for(Variant variant, std::uint64_t clusters) noexcept
{
    const auto entries = clusters + 2;
    switch (variant) {
    case Variant::fat12: return (entries * 3 + 1) / 2;
    case Variant::fat16: return entries * 2;
    case Variant::fat32:
    case Variant::exfat: break;
    }
    return entries * 4;
}

std::uint64_t clusters_in_table(Variant variant, std::uint64_t bytes) noexcept
{
    const auto entries = variant == Variant::fat12 ? bytes * 2 / 3 : variant == Variant::fat16 ? bytes / 2 : bytes / 4;
    return entries < 2 ? 0 : entries - 2;
}

Variant variant_of(std::uint64_t clusters, bool has_root_area) noexcept
{
    if (!has_root_area) {
        return Variant::fat32;
    }
    return clusters < least_fat16_clusters ? Variant::fat12 : Variant::fat16;
}

/// A FAT32 has neither a root directory of its own nor a 16-bit table size.  Some cards of few clusters are FAT32 by
/// these fields, and Linux reads them so.
bool is_fat32(ByteView boot) noexcept
{
    return Fields{boot}.u16(22) == 0;
}

std::string label_of(ByteView field)
{
    if (as_text(field) == "NO NAME    ") {
        return {};
    }
    return from_code_page(trimmed_field(field));
}

/// A table that is too short for the clusters ends them, as in Linux.
Result<> count_clusters(Geometry& out, ByteView boot)
{
    if (out.heap.value >= out.volume.value) {
        return malformed(ByteOffset{14}, "the tables of a FAT leave no room for clusters",
                         fmt::format("clusters would start at byte {} of {}", out.heap.value, out.volume.value));
    }
    auto clusters = (out.volume.value - out.heap.value) / out.cluster_bytes;
    out.variant = variant_of(clusters, !is_fat32(boot));
    clusters = std::min(clusters, clusters_in_table(out.variant, out.table_size.value));
    if (clusters == 0 || clusters > most_fat32_clusters) {
        return malformed(ByteOffset{32}, "a FAT has an impossible number of clusters", fmt::format("{}", clusters));
    }
    out.clusters = static_cast<std::uint32_t>(clusters);
    return {};
}

Result<> read_fat32_fields(Geometry& out, ByteView boot)
{
    out.root_cluster = Fields{boot}.u32(44);
    if (!out.has_cluster(out.root_cluster)) {
        return malformed(ByteOffset{44}, "the root directory of a FAT32 lies outside the volume",
                         fmt::format("cluster {} of {}", out.root_cluster, out.clusters));
    }
    const auto flags = Fields{boot}.u16(40);
    const bool is_mirrored = (flags & 0x80U) == 0;
    const auto active = flags & 0x0FU;
    out.active_table = is_mirrored || active >= out.tables ? 0 : active;
    return {};
}

} // namespace

std::string_view to_string(Variant variant) noexcept
{
    switch (variant) {
    case Variant::fat12: return "fat12";
    case Variant::fat16: return "fat16";
    case Variant::fat32: return "fat32";
    case Variant::exfat: break;
    }
    return "exfat";
}

bool looks_like_fat(ByteView boot) noexcept
{
    if (boot.size() < boot_bytes || Fields{boot}.u16(510) != 0xAA55) {
        return false;
    }
    const bool has_jump = boot[0] == std::byte{0xEB} || boot[0] == std::byte{0xE9};
    const bool has_cluster = std::has_single_bit(std::to_integer<unsigned>(boot[13]));
    const bool has_tables = boot[16] == std::byte{1} || boot[16] == std::byte{2};
    const auto medium = std::to_integer<unsigned>(boot[21]);
    return has_jump && is_sector_size(Fields{boot}.u16(11)) && has_cluster && has_tables && Fields{boot}.u16(14) != 0 &&
           (medium == 0xF0 || medium >= 0xF8);
}

bool looks_like_exfat(ByteView boot) noexcept
{
    return boot.size() >= boot_bytes && as_text(boot.subspan(3, 8)) == "EXFAT   "sv;
}

Result<Geometry> parse_fat_boot(ByteView boot)
{
    if (!looks_like_fat(boot)) {
        return malformed({}, "a boot sector is none of a FAT",
                         fmt::format("found {}", to_spaced_hex(boot.first(std::min<std::size_t>(boot.size(), 16)))));
    }
    Geometry out;
    out.sector_bytes = Fields{boot}.u16(11);
    out.cluster_bytes = out.sector_bytes * std::to_integer<std::uint32_t>(boot[13]);
    const std::uint64_t sector = out.sector_bytes;
    const std::uint64_t sectors = Fields{boot}.u16(19) != 0 ? Fields{boot}.u16(19) : Fields{boot}.u32(32);
    const std::uint64_t table_sectors = is_fat32(boot) ? Fields{boot}.u32(36) : Fields{boot}.u16(22);
    out.tables = std::to_integer<std::uint32_t>(boot[16]);
    out.volume = ByteCount{sectors * sector};
    out.table = ByteOffset{Fields{boot}.u16(14) * sector};
    out.table_size = ByteCount{table_sectors * sector};
    out.root_area = out.table + ByteCount{out.tables * out.table_size.value};
    const std::uint64_t root_bytes = is_fat32(boot) ? 0 : Fields{boot}.u16(17) * entry_bytes;
    out.root_area_size = ByteCount{(root_bytes + sector - 1) / sector * sector};
    out.heap = out.root_area + out.root_area_size;
    SALVAGE_TRY(count_clusters(out, boot));
    const std::size_t label_at = is_fat32(boot) ? 71 : 43;
    const bool has_label = boot[label_at - 5] == std::byte{0x29}; // BS_BootSig
    if (has_label) {
        out.label = label_of(boot.subspan(label_at, 11));
    }
    if (is_fat32(boot)) {
        SALVAGE_TRY(read_fat32_fields(out, boot));
    }
    return out;
}

Result<Geometry> parse_exfat_boot(ByteView boot)
{
    if (!looks_like_exfat(boot)) {
        return malformed(ByteOffset{3}, "a boot sector is none of an exFAT",
                         fmt::format("found {}", to_spaced_hex(boot.first(std::min<std::size_t>(boot.size(), 16)))));
    }
    const auto sector_shift = std::to_integer<unsigned>(boot[108]);
    const auto cluster_shift = std::to_integer<unsigned>(boot[109]);
    if (sector_shift < 9 || sector_shift > 12 || cluster_shift > 25 - sector_shift) {
        return malformed(ByteOffset{108}, "an exFAT has an impossible sector or cluster size",
                         fmt::format("2 to the power of {}, and {} more", sector_shift, cluster_shift));
    }
    Geometry out;
    out.variant = Variant::exfat;
    out.sector_bytes = 1U << sector_shift;
    out.cluster_bytes = out.sector_bytes << cluster_shift;
    const auto sectors = Fields{boot}.u64(72);
    const auto volume = checked_multiply<std::uint64_t>(sectors, out.sector_bytes);
    if (!volume) {
        return malformed(ByteOffset{72}, "an exFAT has an impossible size", fmt::format("{} sectors", sectors));
    }
    out.volume = ByteCount{*volume};
    out.tables = std::to_integer<std::uint32_t>(boot[110]);
    if (out.tables != 1 && out.tables != 2) {
        return malformed(ByteOffset{110}, "an exFAT has neither one table nor two", fmt::format("{}", out.tables));
    }
    out.active_table = (Fields{boot}.u16(106) & 1U) != 0 && out.tables == 2 ? 1 : 0;
    out.table = ByteOffset{std::uint64_t{Fields{boot}.u32(80)} << sector_shift};
    out.table_size = ByteCount{std::uint64_t{Fields{boot}.u32(84)} << sector_shift};
    out.heap = ByteOffset{std::uint64_t{Fields{boot}.u32(88)} << sector_shift};
    out.clusters = Fields{boot}.u32(92);
    if (out.clusters > max_clusters) {
        return unsupported("an exFAT has more clusters than are read", fmt::format("{}", out.clusters));
    }
    const auto tables_end = out.table.value + out.tables * out.table_size.value;
    const auto heap_size = std::uint64_t{out.clusters} * out.cluster_bytes;
    const bool fits = out.table.value >= out.sector_bytes && tables_end <= out.heap.value &&
                      out.heap.value <= *volume && heap_size <= *volume - out.heap.value &&
                      table_bytes_for(out.variant, out.clusters) <= out.table_size.value && out.clusters != 0;
    if (!fits) {
        return malformed(ByteOffset{80}, "the areas of an exFAT do not fit each other",
                         fmt::format("table at {}, {} bytes; {} clusters at {}; volume of {} bytes", out.table.value,
                                     out.table_size.value, out.clusters, out.heap.value, *volume));
    }
    out.root_cluster = Fields{boot}.u32(96);
    if (!out.has_cluster(out.root_cluster)) {
        return malformed(ByteOffset{96}, "the root directory of an exFAT lies outside the volume",
                         fmt::format("cluster {} of {}", out.root_cluster, out.clusters));
    }
    return out;
}

} // namespace salvage::filesystem::fat
