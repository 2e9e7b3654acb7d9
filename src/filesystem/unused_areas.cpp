// Areas of a volume that hold nothing.
#include "unused_areas.hpp"

#include <fmt/format.h>

namespace salvage::filesystem {

Result<> append_area(std::vector<ByteRange>& areas, ByteRange area)
{
    if (!areas.empty() && areas.back().end() == area.start()) {
        areas.back() = ByteRange::between(areas.back().start(), area.end());
        return {};
    }
    if (areas.size() >= max_unused_areas) {
        return unsupported("the volume has more unused areas than are listed",
                           fmt::format("more than {}", max_unused_areas));
    }
    areas.push_back(area);
    return {};
}

} // namespace salvage::filesystem
