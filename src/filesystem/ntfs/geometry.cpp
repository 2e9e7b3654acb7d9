// Boot sector of NTFS.
#include "geometry.hpp"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "filesystem/fields.hpp"

namespace salvage::filesystem::ntfs {
namespace {

constexpr std::uint32_t max_cluster_bytes = 2U << 20U;
constexpr std::uint32_t max_record_bytes = 4096;

/// A count of clusters, or where it is negative the power of two of bytes.
std::uint64_t size_of(std::uint8_t field, std::uint64_t cluster_bytes) noexcept
{
    if (field < 0x80) {
        return field * cluster_bytes;
    }
    const unsigned shift = 256U - field;
    return shift < 32 ? 1ULL << shift : 0;
}

} // namespace

bool looks_like_ntfs(ByteView boot) noexcept
{
    return boot.size() >= boot_bytes && as_text(boot.subspan(3, 8)) == "NTFS    ";
}

Result<Geometry> parse_boot(ByteView boot)
{
    if (!looks_like_ntfs(boot)) {
        return malformed(ByteOffset{3}, "a boot sector is none of NTFS",
                         fmt::format("found {}", to_spaced_hex(boot.first(std::min<std::size_t>(boot.size(), 16)))));
    }
    Geometry out;
    out.sector_bytes = Fields{boot}.u16(11);
    if (out.sector_bytes < 256 || out.sector_bytes > 4096 || !std::has_single_bit(out.sector_bytes)) {
        return malformed(ByteOffset{11}, "NTFS has an impossible sector size", fmt::format("{}", out.sector_bytes));
    }
    const auto field = std::to_integer<std::uint8_t>(boot[13]);
    // Above 0x80 it is the negative power of two of sectors: clusters of more than 64 KiB.
    const std::uint64_t sectors = field <= 0x80 ? field : 1ULL << std::min(256U - field, 20U);
    const auto cluster = sectors * out.sector_bytes;
    if (!std::has_single_bit(cluster) || cluster > max_cluster_bytes) {
        return malformed(ByteOffset{13}, "NTFS has an impossible cluster size", fmt::format("{}", cluster));
    }
    out.cluster_bytes = static_cast<std::uint32_t>(cluster);
    const auto record = size_of(std::to_integer<std::uint8_t>(boot[64]), cluster);
    if (record < 512 || record > max_record_bytes || !std::has_single_bit(record)) {
        return malformed(ByteOffset{64}, "NTFS has an impossible size of file records", fmt::format("{}", record));
    }
    out.record_bytes = static_cast<std::uint32_t>(record);
    out.clusters = Fields{boot}.u64(40) / sectors;
    out.table = Fields{boot}.u64(48);
    out.mirror = Fields{boot}.u64(56);
    if (out.clusters > max_clusters) {
        return unsupported("an NTFS has more clusters than are read", fmt::format("{}", out.clusters));
    }
    if (out.table >= out.clusters || out.mirror >= out.clusters) {
        return malformed(ByteOffset{48}, "the master file table of an NTFS lies outside the volume",
                         fmt::format("clusters {} and {} of {}", out.table, out.mirror, out.clusters));
    }
    return out;
}

} // namespace salvage::filesystem::ntfs
