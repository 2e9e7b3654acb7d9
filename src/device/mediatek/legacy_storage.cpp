// Storage reports of legacy agents.  Layout: docs/formats/mediatek-legacy.md.
#include "device/mediatek/legacy_storage.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "device/mediatek/legacy_words.hpp"

namespace salvage::device::legacy {
namespace {

constexpr std::uint64_t max_region_bytes = 1ULL << 44U;
constexpr std::size_t cid_bytes = 16;

// In the order of their sizes; the number is their place.
constexpr std::array<std::string_view, 8> regions{"boot1", "boot2", "rpmb", "gp1", "gp2", "gp3", "gp4", "user"};

} // namespace

Bytes turn_cid(ByteView cid)
{
    Bytes out(cid.begin(), cid.end());
    for (std::size_t at = 0; at + 8 <= out.size(); at += 8) {
        std::ranges::reverse(std::span{out}.subspan(at, 8));
    }
    return out;
}

Result<StorageInfo> parse_emmc_info(ByteView emmc)
{
    ByteReader reader{emmc};
    StorageInfo info;
    const auto status = SALVAGE_TRY(reader.be<std::uint32_t>());
    for (std::size_t i = 0; i < regions.size(); ++i) {
        const auto at = reader.position();
        const auto size = SALVAGE_TRY(reader.be<std::uint64_t>());
        if (size > max_region_bytes) {
            return malformed(at, fmt::format("the phone tells an impossible size of {}", regions[i]),
                             fmt::format("found {} bytes", size));
        }
        if (size > 0) {
            info.regions.push_back(
                {.name = std::string{regions[i]}, .id = static_cast<std::uint32_t>(i + 1), .size = ByteCount{size}});
        }
    }
    const auto cid = SALVAGE_TRY(reader.take(cid_bytes));
    info.cid = turn_cid(cid);
    info.firmware_version = SALVAGE_TRY(reader.be<std::uint64_t>());
    info.kind = status == 0 && info.find("user") != nullptr ? StorageKind::emmc : StorageKind::unknown;
    return info;
}

Result<> add_ram_info(ByteView ram, StorageInfo& info)
{
    ByteReader reader{ram};
    SALVAGE_TRY(reader.skip(4)); // status of SRAM
    info.sram = ByteCount{SALVAGE_TRY(reader.be<std::uint32_t>())};
    SALVAGE_TRY(reader.skip(6)); // status, type and chip select of DRAM
    info.dram = ByteCount{SALVAGE_TRY(reader.be<std::uint64_t>())};
    return {};
}

} // namespace salvage::device::legacy
