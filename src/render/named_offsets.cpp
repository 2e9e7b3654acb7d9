// Offsets in both bases and by partition.
#include <fmt/format.h>

#include "render/json_parts.hpp"
#include "salvage/core/text.hpp"
#include "salvage/render/render.hpp"

namespace salvage::render {

std::string text(const rescue::NamedOffsets& named, TextStyle /*style*/)
{
    std::string out;
    for (const auto& place : named.offsets) {
        const auto where = place.partition.empty()
                               ? std::string{"in no partition"}
                               : fmt::format("{}+{:#x}", printable(place.partition), place.within.value);
        out += fmt::format("{} = {:#x} = {}\n", place.offset.value, place.offset.value, where);
    }
    return out;
}

std::string json(const rescue::NamedOffsets& named)
{
    Json out{{"schema", "salvage.layout/1"}};
    add_layout(out, named.layout);
    auto offsets = Json::array();
    for (const auto& place : named.offsets) {
        const bool is_held = !place.partition.empty();
        offsets.push_back({{"offset", place.offset.value},
                           {"partition", is_held ? Json(place.partition) : Json(nullptr)},
                           {"partition_offset", is_held ? Json(place.within.value) : Json(nullptr)}});
    }
    out["offsets"] = offsets;
    return dumped(out);
}

} // namespace salvage::render
