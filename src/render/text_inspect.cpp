// What inspect and rescue say: the verdict first, then what it rests on.
#include <fmt/format.h>

#include "render/paint.hpp"
#include "render/text_parts.hpp"
#include "salvage/core/text.hpp"

namespace salvage::render {
namespace {

std::string heading(std::string_view title, TextStyle style)
{
    return "\n" + paint(title, Ink::strong, style) + "\n";
}

std::string source_lines(const rescue::InspectReport& report)
{
    auto out = fmt::format("  {} ({}), {}\n", printable(report.source.path), report.source.container,
                           format_size_exact(report.source.size));
    out += report.source.sha256 ? fmt::format("  SHA-256 {}\n", *report.source.sha256)
                                : "  no SHA-256: parts of it could not be read\n";
    out += fmt::format("  {}\n", report.completeness.text);
    out += fmt::format("  empty (zeros or holes): {}\n", format_size(report.scan.zero_bytes));
    return out;
}

} // namespace

std::string text(const rescue::InspectReport& report, TextStyle style)
{
    auto out = text(report.outcome.verdict, style);
    out += heading("The dump", style) + source_lines(report);
    if (!report.layout.partitions.empty()) {
        out += heading("What is on it", style) + partition_table(report.layout, &report.partitions, style);
    }
    const auto& footers = report.outcome.footers;
    if (!footers.footers.empty() || !footers.decoys.empty()) {
        out += heading("Crypto footers", style);
        for (const auto& found : footers.footers) {
            out += fmt::format("  {}  {} {}.{}, {}, {}\n", format_offset(found.offset),
                               fde::to_string(found.footer.kind), found.footer.major, found.footer.minor,
                               fde::to_string(found.footer.kdf), printable(found.place));
        }
        for (const auto& decoy : footers.decoys) {
            out += paint(fmt::format("  {}  not a footer: {}\n", format_offset(decoy.offset), printable(decoy.reason)),
                         Ink::faint, style);
        }
    }
    if (!report.findings.empty()) {
        out += heading("Worth knowing", style) + finding_list(report.findings, style);
    }
    return out;
}

std::string text(const rescue::RescueReport& report, TextStyle style)
{
    auto out = text(report.inspect, style);
    if (!report.searched.empty()) {
        out += heading("Search", style);
        for (const auto& line : report.searched) {
            out += fmt::format("  {}\n", printable(line));
        }
    }
    out += heading("The case", style);
    out += fmt::format("  folder: {}\n", printable(report.case_folder));
    if (!report.parts_path.empty()) {
        out += fmt::format("  partitions: {}\n", printable(report.parts_path));
    }
    if (report.exported) {
        out += fmt::format("  files: {}: {} files, {} folders, {}\n", printable(report.files_path),
                           format_count(report.exported->files), format_count(report.exported->directories),
                           format_size(report.exported->bytes));
        for (const auto& file : report.exported->failed) {
            out += paint(fmt::format("  lost: {}: {}\n", printable(file.path), printable(file.reason)), Ink::danger,
                         style);
        }
    }
    if (!report.secret_file.empty()) {
        out += fmt::format("  the secret that was found: {}\n", printable(report.secret_file));
    }
    out += fmt::format("  report: {}\n", printable(report.report_path));
    if (!report.page_path.empty()) {
        out += fmt::format("  report for a browser or paper: {}\n", printable(report.page_path));
    }
    out += fmt::format(
        "  log: {} records when this was written, the last with SHA-256\n    {}\n"
        "    (keep it apart: `salvage case verify {} --head HASH` tells by it whether the log was changed)\n",
        format_count(report.log.records), report.log.sha256, printable(report.case_folder));
    return out;
}

} // namespace salvage::render
