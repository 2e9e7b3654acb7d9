// What came of the rescue: exported, failed, skipped; and the hashes.
#include <vector>

#include <fmt/format.h>

#include "render/html_parts.hpp"
#include "render/html_sections.hpp"
#include "salvage/core/text.hpp"

namespace salvage::render {
namespace {

std::string counts_of(const rescue::ExportReport& exported, const std::string& folder)
{
    std::vector<std::string> facts{fmt::format(
        "{} files, {}, {} folders, {} links, in {}", format_count(exported.files), format_size_exact(exported.bytes),
        format_count(exported.directories), format_count(exported.symlinks), code_html(folder))};
    facts.push_back("Each file with times, mode, owner and SHA-256: " + code_html(exported.manifest));
    return "<h3>Exported</h3>\n" + list_html(facts);
}

std::string failures_of(const rescue::ExportReport& exported)
{
    if (exported.failed.empty()) {
        return "<h3>Failed</h3>\n" + paragraph("Nothing: every file came out whole.");
    }
    HtmlTable table{"Files that did not come out whole",
                    {{"File"}, {"Came out"}, {"Lost", HtmlTable::Align::end}, {"Why"}}};
    for (const auto& problem : exported.failed) {
        table.add_row({name_html(problem.path), problem.is_partial ? "in part" : "not at all",
                       problem.lost.value > 0 ? format_size_exact(problem.lost) : "?", escaped(problem.reason)});
    }
    return "<h3>Failed</h3>\n" + table.html();
}

std::vector<std::string> skipped_by(const rescue::RescueReport& report)
{
    std::vector<std::string> out;
    if (report.exported && report.exported->others > 0) {
        out.push_back(fmt::format("Fifos, sockets and devices, which hold no bytes and are only in the manifest: {}.",
                                  format_count(report.exported->others)));
    }
    if (report.split) {
        for (const auto& reason : report.split->not_written) {
            out.push_back(escaped(reason));
        }
        for (const auto& gap : report.split->gaps) {
            out.push_back(fmt::format("Outside all partitions, not cut out: {} at {}", format_size(gap.size()),
                                      format_offset(gap.start())));
        }
    } else if (report.parts_path.empty()) {
        out.emplace_back("No partition image was written.");
    } else {
        out.emplace_back("The partition images were written by an earlier run and left as they are.");
    }
    return out;
}

std::string part_table(const rescue::SplitReport& split)
{
    using Align = HtmlTable::Align;
    HtmlTable table{"SHA-256 of the partition images, holes as zeros",
                    {{"File"}, {"Start", Align::end}, {"Size", Align::end}, {"SHA-256"}}};
    for (const auto& part : split.parts) {
        const auto lost = part.lost.value == 0 ? std::string{}
                                               : fmt::format("<br/>{} could not be read{}", format_size(part.lost),
                                                             part.is_cut ? ": the dump ends inside it" : "");
        table.add_row(
            {name_html(part.file), fmt::format("<code>{:#x}</code>", part.range.start().value),
             fmt::format("{} <span class=\"faint\">{}</span>", format_size(part.range.size()), part.range.size().value),
             (part.sha256.empty() ? std::string{"none"} : code_html(part.sha256)) + lost});
    }
    return table.html();
}

} // namespace

std::string export_section(const rescue::RescueReport& report)
{
    std::string out;
    if (!report.parts_path.empty()) {
        out += fmt::format("<p>Partition images: {}</p>\n", code_html(report.parts_path));
    }
    if (report.exported) {
        out += counts_of(*report.exported, report.files_path) + failures_of(*report.exported);
    } else {
        out += "<h3>Exported</h3>\n" + paragraph(fmt::format("No file was exported: userdata was not opened ({}).",
                                                             rescue::to_string(report.inspect.outcome.verdict.code)));
    }
    const auto skipped = skipped_by(report);
    out += "<h3>Skipped</h3>\n" + (skipped.empty() ? paragraph("Nothing.") : list_html(skipped));
    return section("taken-out", "What was taken out", out);
}

std::string hashes_section(const rescue::InspectReport& report, const rescue::RescueReport* rescued)
{
    auto out = fmt::format("<p>The dump, {}: {}</p>\n", format_size_exact(report.source.size),
                           report.source.sha256 ? "SHA-256 " + code_html(*report.source.sha256)
                                                : std::string{"no SHA-256, because parts of it could not be read"});
    if (rescued != nullptr && rescued->split) {
        out += part_table(*rescued->split);
    } else if (rescued != nullptr && !rescued->parts_path.empty()) {
        out += fmt::format("<p>Those of the partition images are in {}.</p>\n",
                           code_html(rescued->parts_path + "/SHA256SUMS"));
    }
    if (rescued != nullptr && rescued->exported) {
        out += fmt::format("<p>Those of the files are in {}; <code>sha256sum -c</code> checks them.</p>\n",
                           code_html(rescued->exported->sums));
    }
    return section("hashes", "Hashes", out);
}

} // namespace salvage::render
