// Boot sector of NTFS: where clusters and the master file table lie.
#pragma once

#include <cstdint>

#include "filesystem/dos.hpp"
#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/units.hpp"

namespace salvage::filesystem::ntfs {

/// Checked: the volume's bytes fit in 64 bits, both tables begin inside it.
struct Geometry {
    std::uint32_t sector_bytes{512};
    std::uint32_t cluster_bytes{4096};
    std::uint32_t record_bytes{1024}; ///< of a record of the master file table
    std::uint64_t clusters{};
    std::uint64_t table{};  ///< cluster of $MFT
    std::uint64_t mirror{}; ///< cluster of $MFTMirr
    [[nodiscard]] ByteCount volume() const noexcept { return ByteCount{clusters * cluster_bytes}; }
};

using dos::boot_bytes;
/// As FAT's limit: one bit is held of each while they are counted.
constexpr std::uint64_t max_clusters = 1ULL << 32U;

[[nodiscard]] bool looks_like_ntfs(ByteView boot) noexcept;

/// Errors: malformed (where = offset in `boot`), unsupported (max_clusters).
/// Spec: Linux, fs/ntfs/layout.h, struct BIOS_PARAMETER_BLOCK and NTFS_BOOT_SECTOR.
[[nodiscard]] Result<Geometry> parse_boot(ByteView boot);

} // namespace salvage::filesystem::ntfs
