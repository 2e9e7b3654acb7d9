// What XFlash agents say of the flash.  Layouts: docs/formats/xflash.md.
#include "device/mediatek/xflash_storage.hpp"

#include <array>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::device::xflash {
namespace {

// The largest phones have 1 TiB.
constexpr std::uint64_t max_region_bytes = 1ULL << 44U;
constexpr std::uint32_t max_block_bytes = 1U << 20U;
constexpr std::size_t cid_bytes = 16;

struct RegionName {
    std::string_view name;
    std::uint32_t id;
};
// In the order of their sizes in the answer.
constexpr std::array emmc_regions{RegionName{"boot1", 1}, RegionName{"boot2", 2}, RegionName{"rpmb", 3},
                                  RegionName{"gp1", 4},   RegionName{"gp2", 5},   RegionName{"gp3", 6},
                                  RegionName{"gp4", 7},   RegionName{"user", 8}};
constexpr std::array ufs_regions{RegionName{"lu2", 3}, RegionName{"lu1", 2}, RegionName{"lu0", 1}};

Result<> add_regions(ByteReader& reader, std::span<const RegionName> names, StorageInfo& info)
{
    for (const auto& region : names) {
        const auto at = reader.position();
        const auto size = SALVAGE_TRY(reader.le<std::uint64_t>());
        if (size > max_region_bytes) {
            return malformed(at, fmt::format("the phone tells an impossible size of {}", region.name),
                             fmt::format("found {} bytes", size));
        }
        if (size > 0) {
            info.regions.push_back({.name = std::string{region.name}, .id = region.id, .size = ByteCount{size}});
        }
    }
    return {};
}

Result<StorageInfo> parse_info(ByteView answer, StorageKind kind, std::span<const RegionName> names)
{
    ByteReader reader{answer};
    StorageInfo info;
    const auto type = SALVAGE_TRY(reader.le<std::uint32_t>());
    const auto block_at = reader.position();
    const auto block = SALVAGE_TRY(reader.le<std::uint32_t>());
    if (type == 0) {
        return info;
    }
    if (block > max_block_bytes) {
        return malformed(block_at, "the phone tells an impossible block size", fmt::format("found {} bytes", block));
    }
    info.kind = kind;
    info.block = ByteCount{block};
    SALVAGE_TRY(add_regions(reader, names, info));
    const auto cid = SALVAGE_TRY(reader.take(cid_bytes));
    info.cid.assign(cid.begin(), cid.end());
    if (info.regions.empty()) {
        return malformed(ByteOffset{8}, "the phone's flash has no size", "all regions have 0 bytes");
    }
    return info;
}

} // namespace

Result<StorageInfo> parse_emmc_info(ByteView answer)
{
    auto info = SALVAGE_TRY(parse_info(answer, StorageKind::emmc, emmc_regions));
    constexpr std::size_t firmware_at = 8 + 8 * emmc_regions.size() + cid_bytes;
    if (info.kind == StorageKind::emmc && answer.size() >= firmware_at + 8) {
        info.firmware_version = load_le<std::uint64_t>(answer.subspan(firmware_at));
    }
    return info;
}

Result<StorageInfo> parse_ufs_info(ByteView answer)
{
    return parse_info(answer, StorageKind::ufs, ufs_regions);
}

void add_ram_info(ByteView answer, StorageInfo& info)
{
    // type, base and size of SRAM, then of DRAM; in 32 or in 64 bits.
    if (answer.size() == 24) {
        info.sram = ByteCount{load_le<std::uint32_t>(answer.subspan(8))};
        info.dram = ByteCount{load_le<std::uint32_t>(answer.subspan(20))};
    } else if (answer.size() == 48) {
        info.sram = ByteCount{load_le<std::uint64_t>(answer.subspan(16))};
        info.dram = ByteCount{load_le<std::uint64_t>(answer.subspan(40))};
    }
}

Result<PacketLengths> parse_packet_lengths(ByteView answer)
{
    ByteReader reader{answer};
    PacketLengths lengths;
    lengths.write = SALVAGE_TRY(reader.le<std::uint32_t>());
    lengths.read = SALVAGE_TRY(reader.le<std::uint32_t>());
    const auto is_sane = [](std::uint32_t bytes) { return bytes >= 512 && bytes <= max_packet_bytes; };
    if (!is_sane(lengths.write) || !is_sane(lengths.read)) {
        return malformed(ByteOffset{0}, "the phone tells impossible packet lengths",
                         fmt::format("found {} to write and {} to read, expected 512 to {}", lengths.write,
                                     lengths.read, max_packet_bytes));
    }
    return lengths;
}

} // namespace salvage::device::xflash
