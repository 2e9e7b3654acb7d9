// A readback as text and as JSON.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "render/json_parts.hpp"
#include "render/paint.hpp"
#include "salvage/core/text.hpp"
#include "salvage/render/render.hpp"

namespace salvage::render {
namespace {

// A person reads a few; the map has them all.
constexpr std::size_t listed_areas = 8;

std::string known_or_dash(ByteCount size)
{
    return size.value == 0 ? "not told" : format_size_exact(size);
}

Json bytes_or_null(ByteCount size)
{
    return size.value == 0 ? Json(nullptr) : Json(size.value);
}

Json text_or_null(const std::string& text)
{
    return text.empty() ? Json(nullptr) : Json(text);
}

Json ranges_json(const std::vector<ByteRange>& ranges)
{
    auto out = Json::array();
    for (const auto& range : ranges) {
        out.push_back({{"start", range.start().value}, {"size", range.size().value}});
    }
    return out;
}

Json to_json(const device::StorageInfo& storage)
{
    auto regions = Json::array();
    for (const auto& region : storage.regions) {
        regions.push_back({{"region", region.name}, {"size", region.size.value}});
    }
    return {
        {"kind", storage.kind == device::StorageKind::unknown ? Json(nullptr) : Json(device::to_string(storage.kind))},
        {"cid", text_or_null(to_hex(storage.cid))},
        {"firmware_version", storage.firmware_version == 0 ? Json(nullptr) : Json(storage.firmware_version)},
        {"block", bytes_or_null(storage.block)},
        {"page", bytes_or_null(storage.page)},
        {"sram", bytes_or_null(storage.sram)},
        {"dram", bytes_or_null(storage.dram)},
        {"regions", regions}};
}

Json to_json(const rescue::ReadRegionReport& region)
{
    return {{"region", region.region},
            {"file", region.file.string()},
            {"map", region.map.string()},
            {"hashes", region.hashes.string()},
            {"size", region.size.value},
            {"wanted", region.wanted.value},
            {"finished", region.finished.value},
            {"present", region.present.value},
            {"read_now", region.read_now.value},
            {"whole", region.is_whole()},
            {"sha256", region.is_whole() ? Json(region.sha256) : Json(nullptr)},
            {"stored_sha256", region.sha256},
            {"lost", ranges_json(region.lost)},
            {"verified", region.verified.value},
            {"unverified", ranges_json(region.unverified)}};
}

/// A phone that did not hear the goodbye still runs its agent.
std::string goodbye_line(const std::optional<Error>& problem, TextStyle style)
{
    return problem ? paint(fmt::format(
                               "the device did not take its goodbye ({}); disconnect it, and switch it off and on\n",
                               printable(problem->what)),
                           Ink::warning, style)
                   : std::string{};
}

Json text_or_null(const std::optional<Error>& problem)
{
    return problem ? Json(printable(problem->what)) : Json(nullptr);
}

std::string area_list(const std::vector<ByteRange>& areas, std::string_view file)
{
    std::string out;
    for (std::size_t i = 0; i < std::min(areas.size(), listed_areas); ++i) {
        out += fmt::format("    {} at {}: {}\n", file, format_offset(areas[i].start()), format_size(areas[i].size()));
    }
    if (areas.size() > listed_areas) {
        out += fmt::format("    {} more areas stand in the map\n", format_count(areas.size() - listed_areas));
    }
    return out;
}

std::string region_line(const rescue::ReadRegionReport& region, TextStyle style)
{
    const auto state = region.is_whole()      ? paint("whole", Ink::good, style)
                       : !region.lost.empty() ? paint("with bad areas", Ink::warning, style)
                                              : paint("in part, as asked for", Ink::warning, style);
    return fmt::format("{:<6} {:>10}  {}  {}\n", region.region, format_size(region.size),
                       printable(region.file.string()), state) +
           paint(fmt::format("                   sha256 {}\n", region.sha256), Ink::faint, style);
}

} // namespace

std::string text(const rescue::StorageReport& report, TextStyle style)
{
    const auto& storage = report.storage;
    auto out =
        paint(fmt::format("{}: {}\n", device::to_string(storage.kind), printable(report.identity)), Ink::strong, style);
    for (const auto& region : storage.regions) {
        out += fmt::format("  {:<10} {}\n", printable(region.name), format_size_exact(region.size));
    }
    out += fmt::format("  block      {}\n", known_or_dash(storage.block));
    out += fmt::format("  page       {}\n", known_or_dash(storage.page));
    if (!storage.cid.empty()) {
        out += fmt::format("  CID        {}\n", to_hex(storage.cid));
    }
    if (storage.dram.value > 0) {
        out += fmt::format("  RAM        {}\n", format_size_exact(storage.dram));
    }
    return out + goodbye_line(report.goodbye, style);
}

std::string json(const rescue::StorageReport& report)
{
    const Json out{{"schema", "salvage.read/1"},
                   {"identity", report.identity},
                   {"storage", to_json(report.storage)},
                   {"regions", nullptr},
                   {"goodbye_problem", text_or_null(report.goodbye)}};
    return dumped(out);
}

std::string text(const rescue::ReadReport& report, TextStyle style)
{
    std::string out;
    for (const auto& region : report.regions) {
        out += region_line(region, style);
    }
    for (const auto& other : report.not_read) {
        out += paint(fmt::format("not read: {}\n", other), Ink::faint, style);
    }
    if (report.lost().value > 0) {
        out += paint(fmt::format("{} bytes in {} could not be read; they are holes in the file, and the map says so\n",
                                 format_count(report.lost().value),
                                 report.lost_areas() == 1 ? std::string{"1 area"}
                                                          : format_count(report.lost_areas()) + " areas"),
                     Ink::danger, style);
        for (const auto& region : report.regions) {
            out += area_list(region.lost, region.region);
        }
        out += "Run the same command again to try these areas once more.\n";
    }
    if (report.verify == rescue::Verify::yes) {
        out += report.unverified().value == 0
                   ? paint("read a second time: every byte is equal\n", Ink::good, style)
                   : paint(fmt::format("read a second time: {} bytes could not be read again, all others are equal\n",
                                       format_count(report.unverified().value)),
                           Ink::warning, style);
    }
    if (report.reconnects > 0) {
        out += fmt::format("the device went away and came back {} times\n", report.reconnects);
    }
    out += goodbye_line(report.goodbye, style);
    if (!report.regions.empty()) {
        out += fmt::format("next: salvage inspect {}\n", printable(report.regions.front().file.string()));
    }
    return out;
}

std::string json(const rescue::ReadReport& report)
{
    auto regions = Json::array();
    for (const auto& region : report.regions) {
        regions.push_back(to_json(region));
    }
    Json out{{"schema", "salvage.read/1"},
             {"identity", report.identity},
             {"storage", to_json(report.storage)},
             {"regions", regions},
             {"partitions", report.partitions},
             {"not_read", report.not_read},
             {"lost_bytes", report.lost().value},
             {"lost_areas", report.lost_areas()},
             {"verified", nullptr},
             {"reconnects", report.reconnects},
             {"goodbye_problem", text_or_null(report.goodbye)},
             {"manifest", report.manifest.string()},
             {"sums", report.sums.string()}};
    if (report.verify == rescue::Verify::yes) {
        out["verified"] = report.unverified().value == 0;
    }
    return dumped(out);
}

} // namespace salvage::render
