// Which regions of a device are read.
#include "rescue/read_flash_plan.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

using device::StorageRegion;

/// What a restore needs, where a device has it.
constexpr std::array<std::string_view, 3> by_default{"user", "boot1", "boot2"};

struct KnownRegion {
    std::string_view name;
    std::string_view meaning;
};
constexpr std::array known_regions{
    KnownRegion{.name = "rpmb", .meaning = "written only with a key that never leaves the phone's chip"},
    KnownRegion{.name = "user", .meaning = "all partitions"},
    KnownRegion{.name = "boot1", .meaning = "the preloader"},
    KnownRegion{.name = "boot2", .meaning = "the preloader's second copy"},
};

std::string describe(const StorageRegion& region)
{
    const auto* const known = std::ranges::find(known_regions, std::string_view{region.name}, &KnownRegion::name);
    return fmt::format("{}, {}{}{}", printable(region.name), format_size(region.size),
                       known == known_regions.end() ? "" : ": ", known == known_regions.end() ? "" : known->meaning);
}

/// Names become parts of file names: the letters that protocols use, and nothing else.
bool is_plain(const StorageRegion& region)
{
    return !region.name.empty() && std::ranges::all_of(region.name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

std::vector<std::string> names_of(const device::StorageInfo& storage)
{
    std::vector<std::string> names;
    names.reserve(storage.regions.size());
    for (const auto& region : storage.regions) {
        names.push_back(printable(region.name));
    }
    return names;
}

Result<std::vector<std::string>> wanted_names(const device::StorageInfo& storage, const ReadOptions& options,
                                              const std::string& main_region)
{
    if (options.range || !options.partitions.empty()) {
        const auto is_main_only =
            std::ranges::all_of(options.regions, [&](const std::string& name) { return name == main_region; });
        if (!is_main_only || options.all_regions) {
            return invalid_argument("a range or partition is of one region only",
                                    fmt::format("it is of '{}' here", printable(main_region)),
                                    "read the other regions by a run of their own");
        }
        return std::vector{main_region};
    }
    if (options.all_regions) {
        return names_of(storage);
    }
    if (!options.regions.empty()) {
        return options.regions;
    }
    std::vector<std::string> out{main_region};
    for (const auto name : by_default) {
        if (name != main_region && storage.find(name) != nullptr) {
            out.emplace_back(name);
        }
    }
    return out;
}

} // namespace

Result<ReadPlan> plan_read(const device::StorageInfo& storage, const ReadOptions& options)
{
    if (storage.regions.empty()) {
        return not_found("the device has no flash that can be read", "it names no region of a size above zero");
    }
    if (!std::ranges::all_of(storage.regions, is_plain)) {
        return malformed(ByteOffset{0}, "a region of the device has no usable name",
                         fmt::format("it names: {}", fmt::join(names_of(storage), ", ")));
    }
    ReadPlan plan;
    // A device without a user area of that name (UFS by logical units): the largest is the one that is meant.
    plan.main_region = storage.find("user") != nullptr
                           ? "user"
                           : std::ranges::max_element(storage.regions, {}, &StorageRegion::size)->name;
    const auto wanted = SALVAGE_TRY(wanted_names(storage, options, plan.main_region));
    for (const auto& name : wanted) {
        const auto* const region = storage.find(name);
        if (region == nullptr) {
            return not_found(fmt::format("the device has no region '{}'", printable(name)),
                             fmt::format("it has: {}", fmt::join(names_of(storage), ", ")));
        }
        const auto is_known =
            std::ranges::any_of(plan.regions, [&](const StorageRegion& known) { return known.name == name; });
        if (!is_known) {
            plan.regions.push_back(*region);
        }
    }
    for (const auto& region : storage.regions) {
        if (std::ranges::find(plan.regions, region.name, &StorageRegion::name) == plan.regions.end()) {
            plan.not_read.push_back(describe(region));
        }
    }
    return plan;
}

Result<ByteRange> sectors_of(ByteRange range, const StorageRegion& region, ByteCount sector)
{
    if (range.is_empty() || range.end().value > region.size.value) {
        return invalid_argument("the range does not lie in the region",
                                fmt::format("it is {} to {}, and '{}' has {}", format_offset(range.start()),
                                            format_offset(range.end()), printable(region.name),
                                            format_size_exact(region.size)));
    }
    const auto start = range.start().value / sector.value * sector.value;
    const auto over = range.end().value % sector.value;
    const auto end = over == 0 ? range.end().value : range.end().value + (sector.value - over);
    return ByteRange::between(ByteOffset{start}, ByteOffset{std::min(end, region.size.value)});
}

} // namespace salvage::rescue
