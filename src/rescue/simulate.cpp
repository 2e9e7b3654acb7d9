// A simulated phone's flash and partitions from image files.
#include "salvage/rescue/simulate.hpp"

#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"
#include "salvage/rescue/dump.hpp"

namespace salvage::rescue {
namespace {

/// "boot1:0x1000+512", "0x1000+512", "userdata+0x10+512".
Result<std::pair<std::string, ByteRange>> parse_bad_area(const partition::Layout& layout, std::string_view text)
{
    const auto wrong = [&] {
        return invalid_argument(fmt::format("'{}' is no bad area", printable(text)), {},
                                "write REGION:OFFSET+SIZE, as in user:0x100000+4096");
    };
    std::string region = "user";
    auto rest = text;
    if (const auto colon = rest.find(':'); colon != std::string_view::npos) {
        region = rest.substr(0, colon);
        rest.remove_prefix(colon + 1);
    }
    const auto plus = rest.rfind('+');
    if (plus == std::string_view::npos) {
        return wrong();
    }
    const auto at = SALVAGE_TRY(partition::resolve_offset(layout, rest.substr(0, plus)));
    const auto size = SALVAGE_TRY(parse_quantity(rest.substr(plus + 1)));
    const auto range = ByteRange::make(at, ByteCount{size});
    if (!range || size == 0) {
        return wrong();
    }
    return std::pair{region, *range};
}

std::vector<device::PhonePartition> partitions_of(const partition::Layout& layout, ByteCount user_size)
{
    std::vector<device::PhonePartition> out;
    for (const auto& one : layout.partitions) {
        const auto range = ByteRange::make(one.start, one.size);
        if (one.region == "user" && one.is_start_known && one.is_size_known && range && !range->is_empty() &&
            ByteRange::first(user_size).contains(*range)) {
            out.push_back({.name = one.name, .range = *range});
        }
    }
    return out;
}

} // namespace

Result<SimulatedPhone> open_simulated_phone(const SimulateRequest& request)
{
    const auto dump =
        SALVAGE_TRY(open_dump({.path = request.image, .layout_files = {}, .footer_file = {}, .map_file = {}}));
    const bool is_read_only = request.images == SimulateRequest::Images::kept;
    std::vector<device::PhoneFlash::RegionSource> regions;
    const auto add = [&](std::string name, const std::filesystem::path& path) {
        regions.push_back({.name = std::move(name), .path = path, .bytes = {}, .is_read_only = is_read_only});
    };
    add("user", request.image);
    if (request.boot1) {
        add("boot1", *request.boot1);
    }
    if (request.boot2) {
        add("boot2", *request.boot2);
    }
    SimulatedPhone out{.flash = SALVAGE_TRY(device::PhoneFlash::open(std::move(regions), device::StorageKind::emmc)),
                       .partitions = partitions_of(dump.layout, dump.source->size())};
    for (const auto& text : request.bad_areas) {
        const auto [region, range] = SALVAGE_TRY(parse_bad_area(dump.layout, text));
        if (out.flash->info().find(region) == nullptr) {
            return invalid_argument(fmt::format("the phone has no region '{}'", printable(region)), text);
        }
        out.flash->add_bad_area(region, range);
    }
    return out;
}

} // namespace salvage::rescue
