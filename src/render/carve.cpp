#include "salvage/render/carve.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "render/json_parts.hpp"
#include "render/paint.hpp"
#include "salvage/core/text.hpp"

namespace salvage::render {
namespace {

std::string nothing_found(const rescue::CarveReport& report)
{
    const bool is_all_empty = std::ranges::all_of(
        report.parts, [](const auto& part) { return part.searched.value + part.unreadable.value == 0; });
    return is_all_empty
               ? "Nothing was found: all that is unused is empty on the flash, so of deleted files nothing is left "
                 "there.\n"
               : "Nothing was found: no file of the kinds that were looked for begins in what is unused.  Other kinds: "
                 "--everything.  What the filesystem itself still knows of deleted files: salvage ls --deleted.\n";
}

} // namespace

std::string text(const rescue::CarveReport& report, TextStyle style)
{
    std::string out;
    for (const auto& part : report.parts) {
        out += fmt::format("{}/: {} files ({})", part.name, format_count(part.files), format_size_exact(part.bytes));
        for (const char* mark = ": "; const auto& [ending, count] : part.by_ending) {
            out += fmt::format("{}{} {}", mark, count, ending);
            mark = ", ";
        }
        out += fmt::format("\n  searched {}; {} more are unused and empty on the flash\n", format_size(part.searched),
                           format_size(part.empty));
        if (part.unreadable.value > 0) {
            out += paint(fmt::format("  not searched, unreadable: {}\n", format_size_exact(part.unreadable)),
                         Ink::danger, style);
        }
        for (const auto& why : part.incomplete) {
            out += paint(fmt::format("  not whole: {}\n", printable(why)), Ink::danger, style);
        }
    }
    if (std::ranges::all_of(report.parts, [](const auto& part) { return part.files == 0; })) {
        return out + nothing_found(report);
    }
    out += fmt::format("where each lay: {}\nhashes: {}   (check them with sha256sum -c)\n", printable(report.manifest),
                       printable(report.sums));
    return out;
}

std::string json(const rescue::CarveReport& report)
{
    Json out{{"schema", "salvage.carve/1"}};
    out["parts"] = Json::array();
    for (const auto& part : report.parts) {
        out["parts"].push_back({{"name", part.name},
                                {"searched", part.searched.value},
                                {"empty", part.empty.value},
                                {"unreadable", part.unreadable.value},
                                {"files", part.files},
                                {"bytes", part.bytes.value},
                                {"by_ending", Json(part.by_ending)},
                                {"incomplete", part.incomplete}});
    }
    out["manifest"] = report.manifest;
    out["sums"] = report.sums;
    return dumped(out);
}

} // namespace salvage::render
