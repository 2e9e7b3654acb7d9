// Boot sectors of FAT12, FAT16, FAT32 and exFAT: where tables and clusters lie.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "filesystem/dos.hpp"
#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/units.hpp"

namespace salvage::filesystem::fat {

enum class Variant : std::uint8_t { fat12, fat16, fat32, exfat };
[[nodiscard]] std::string_view to_string(Variant variant) noexcept;

/// Checked: no sum of these overflows, and every area lies inside the volume.
struct Geometry {
    Variant variant{Variant::fat32};
    std::uint32_t sector_bytes{512};
    std::uint32_t cluster_bytes{512};
    ByteCount volume; ///< as the boot sector has it; the source may be shorter
    ByteOffset table; ///< the first copy of the file allocation table
    ByteCount table_size;
    std::uint32_t tables{1};       ///< copies, one behind the other
    std::uint32_t active_table{0}; ///< the copy that is kept up to date
    ByteOffset root_area;          ///< FAT12 and FAT16: the root directory has a place of its own
    ByteCount root_area_size;
    ByteOffset heap; ///< of cluster 2
    std::uint32_t clusters{};
    std::uint32_t root_cluster{}; ///< FAT32 and exFAT
    std::string label;            ///< BS_VolLab; empty where there is none.  A label in the root directory wins.

    [[nodiscard]] bool has_cluster(std::uint64_t cluster) const noexcept
    {
        return cluster >= 2 && cluster - 2 < clusters;
    }
    /// Requires: has_cluster(cluster).
    [[nodiscard]] ByteOffset at(std::uint32_t cluster) const noexcept
    {
        return heap + ByteCount{std::uint64_t{cluster - 2} * cluster_bytes};
    }
    [[nodiscard]] bool has_root_area() const noexcept { return variant == Variant::fat12 || variant == Variant::fat16; }
};

using dos::boot_bytes;

/// Clusters that are at most counted: 16 TiB at 32 KiB each.  One bit is held of each while they are counted.
constexpr std::uint64_t max_clusters = 1ULL << 29U;

/// Whether `boot` (512 bytes or more) is the boot sector of a FAT: its jump, sector size, cluster size, number of
/// tables, medium and signature all fit.
[[nodiscard]] bool looks_like_fat(ByteView boot) noexcept;
/// Whether `boot` bears the name of exFAT.
[[nodiscard]] bool looks_like_exfat(ByteView boot) noexcept;

/// Errors: malformed (a field contradicts another, where = offset in `boot`), unsupported (max_clusters).
/// Spec: Microsoft, FAT32 File System Specification 1.03, "Boot Sector and BPB", "FAT Type Determination".
[[nodiscard]] Result<Geometry> parse_fat_boot(ByteView boot);
/// Spec: Microsoft, exFAT File System Specification, 3.1.
[[nodiscard]] Result<Geometry> parse_exfat_boot(ByteView boot);

} // namespace salvage::filesystem::fat
