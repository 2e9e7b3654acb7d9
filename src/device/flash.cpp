// What a flash is made of.
#include "salvage/device/flash.hpp"

#include <algorithm>

namespace salvage::device {

std::string_view to_string(StorageKind kind) noexcept
{
    switch (kind) {
    case StorageKind::unknown: return "unknown";
    case StorageKind::emmc: return "eMMC";
    case StorageKind::sd: return "SD";
    case StorageKind::nand: return "NAND";
    case StorageKind::nor: return "NOR";
    case StorageKind::ufs: return "UFS";
    case StorageKind::block_device: return "block device";
    }
    return "unknown";
}

const StorageRegion* StorageInfo::find(std::string_view name) const noexcept
{
    const auto found = std::ranges::find(regions, name, &StorageRegion::name);
    return found == regions.end() ? nullptr : &*found;
}

} // namespace salvage::device
