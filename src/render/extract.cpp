#include "salvage/render/extract.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "render/extract_style.hpp"
#include "render/json_parts.hpp"
#include "render/paint.hpp"
#include "salvage/core/text.hpp"

namespace salvage::render {
namespace {

Json to_json(const artifact::DatabaseReport& database)
{
    return {{"file", database.file},
            {"schema_version", database.schema},
            {"tables_read", database.read},
            {"tables_unread", database.unread},
            {"columns_missing", database.missing},
            {"damaged_rows", database.damaged_rows},
            {"problems", database.problems}};
}

Json to_json(const artifact::KindReport& kind)
{
    Json out{{"name", kind.name}, {"title", kind.title}, {"items", kind.items}, {"damaged", kind.damaged}};
    out["page"] = kind.page.empty() ? Json{} : Json(kind.page);
    out["outputs"] = kind.outputs;
    out["databases"] = Json::array();
    for (const auto& database : kind.databases) {
        out["databases"].push_back(to_json(database));
    }
    out["sources"] = kind.sources;
    out["notes"] = kind.notes;
    out["problems"] = kind.problems;
    if (kind.is_deleted) {
        out["deleted"] = true;
    }
    return out;
}

} // namespace

std::string text(const rescue::ExtractReport& report, TextStyle style)
{
    std::string out;
    std::size_t width = 0;
    for (const auto& kind : report.kinds) {
        width = std::max(width, kind.title.size());
    }
    for (const auto& kind : report.kinds) {
        const bool is_there = kind.items > 0;
        out += fmt::format("{:<{}} {:>9}{}\n", kind.title, width, is_there ? format_count(kind.items) : "none",
                           kind.damaged > 0 ? paint(fmt::format(", {} of them not whole", format_count(kind.damaged)),
                                                    Ink::warning, style)
                                            : std::string{});
        for (const auto& note : kind.notes) {
            out += paint(fmt::format("    {}\n", printable(note)), Ink::faint, style);
        }
        for (const auto& problem : kind.problems) {
            out += paint(fmt::format("    not read: {}\n", printable(problem)), Ink::danger, style);
        }
        for (const auto& database : kind.databases) {
            for (const auto& problem : database.problems) {
                out += paint(fmt::format("    {}: {}\n", printable(database.file), printable(problem)), Ink::danger,
                             style);
            }
        }
    }
    out += report.is_empty() ? fmt::format("\n{}\n", nothing_found) : std::string{};
    out += fmt::format("\n{} files, {}", format_count(report.files), format_size(report.bytes));
    out += report.duplicates > 0
               ? fmt::format("; {} are the same as another and take no room", format_count(report.duplicates))
               : std::string{};
    out += report.lossy > 0 ? paint(fmt::format("; {} lost some bytes", format_count(report.lossy)), Ink::danger, style)
                            : std::string{};
    out += fmt::format("\nopen in a browser: {}\nevery file: {}\nhashes: {}   (check them with sha256sum -c)\n",
                       printable(report.index), printable(report.manifest), printable(report.sums));
    return out;
}

std::string json(const rescue::ExtractReport& report)
{
    Json out{{"schema", "salvage.extract/1"}, {"source", report.source}, {"out", report.out}};
    out["kinds"] = Json::array();
    for (const auto& kind : report.kinds) {
        out["kinds"].push_back(to_json(kind));
    }
    out["files"] = report.files;
    out["duplicates"] = report.duplicates;
    out["files_with_losses"] = report.lossy;
    out["entries_not_searchable"] = report.unlisted;
    out["bytes"] = report.bytes.value;
    out["index"] = report.index;
    out["manifest"] = report.manifest;
    out["sums"] = report.sums;
    return dumped(out);
}

} // namespace salvage::render
