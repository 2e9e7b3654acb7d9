// What was found, what contradicts itself, and what stays unknown.
#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "render/html_parts.hpp"
#include "render/html_sections.hpp"
#include "salvage/core/text.hpp"

namespace salvage::render {
namespace {

std::vector<std::string> escaped_all(const std::vector<std::string>& lines)
{
    std::vector<std::string> out;
    out.reserve(lines.size());
    for (const auto& line : lines) {
        out.push_back(escaped(line));
    }
    return out;
}

std::string dump_facts(const rescue::InspectReport& report)
{
    std::vector<std::string> facts{fmt::format("{} ({}), {}", name_html(report.source.path),
                                               escaped(report.source.container), format_size_exact(report.source.size)),
                                   escaped(report.completeness.text)};
    for (const auto& table : report.layout.tables) {
        facts.push_back(fmt::format("Partition table: {}{}, {} partitions, from {}", escaped(table.kind),
                                    table.dialect.empty() ? std::string{} : " (" + escaped(table.dialect) + ")",
                                    table.partitions.size(), name_html(table.path)));
    }
    return "<h3>The dump</h3>\n" + list_html(facts);
}

/// Patterns that were hit, with the first place of each.
std::string signatures(const rescue::InspectReport& report)
{
    using Align = HtmlTable::Align;
    HtmlTable table{"Signatures found in the dump", {{"Signature"}, {"Times", Align::end}, {"First at"}}};
    const auto& scan = report.scan;
    bool has_any = false;
    for (std::size_t i = 0; i < std::min(report.patterns.size(), scan.hit_counts.size()); ++i) {
        const auto first = std::ranges::find(scan.hits, static_cast<std::uint32_t>(i), &scan::Hit::pattern);
        if (scan.hit_counts[i] == 0 || first == scan.hits.end()) {
            continue;
        }
        has_any = true;
        table.add_row({code_html(report.patterns[i].name), format_count(scan.hit_counts[i]),
                       fmt::format("<code>{:#x}</code> <span class=\"faint\">{}</span> {}", first->at.value,
                                   first->at.value, name_html(partition::describe_offset(report.layout, first->at)))});
    }
    if (!has_any) {
        return "<h3>Signatures</h3>\n" + paragraph("No known signature was found.");
    }
    return "<h3>Signatures</h3>\n" +
           paragraph("Bytes that known structures begin with. A signature alone proves nothing: footers below were "
                     "accepted by their structure.") +
           table.html();
}

/// Two sources that say different things of one value.
bool is_conflict(const Finding& finding)
{
    const bool has_choice = std::ranges::any_of(finding.words, [](const auto& word) { return word.first == "taken"; });
    return has_choice || finding.code.ends_with("-differ") || finding.code.ends_with("-differs") ||
           (finding.code.starts_with("only-in-") && finding.severity != Severity::note) ||
           finding.code == "scatter-of-another-phone";
}

std::string values_of(const Finding& finding)
{
    std::string out;
    for (const auto& [name, number] : finding.numbers) {
        out += fmt::format("{} <code>{:#x}</code> ({})<br/>", escaped(name), number, number);
    }
    for (const auto& [name, word] : finding.words) {
        out += fmt::format("{}: {}<br/>", escaped(name), name_html(word));
    }
    return out;
}

std::string place_of(const Finding& finding)
{
    std::string out;
    if (!finding.where.partition.empty()) {
        out += name_html(finding.where.partition) + "<br/>";
    }
    if (finding.where.offset) {
        out += format_offset(*finding.where.offset) + "<br/>";
    }
    return finding.where.source.empty() ? out : out + name_html(finding.where.source);
}

std::string finding_table(const std::string& caption, const std::vector<const Finding*>& findings)
{
    HtmlTable table{caption, {{"Weight"}, {"What"}, {"Where"}, {"Values"}}};
    for (const auto* const finding : findings) {
        table.add_row({fmt::format("<span class=\"s-{0}\">{0}</span>", to_string(finding->severity)),
                       escaped(finding->text) + "<br/><span class=\"faint\">" + escaped(finding->code) + "</span>",
                       place_of(*finding), values_of(*finding)});
    }
    return table.html();
}

std::vector<std::string> unread_limits(const rescue::InspectReport& report)
{
    std::vector<std::string> out;
    if (report.scan.unreadable_bytes.value > 0) {
        out.push_back(fmt::format("{} could not be read: what was there cannot be known. A signature is not found "
                                  "across such a place.",
                                  format_size_exact(report.scan.unreadable_bytes)));
    }
    if (!report.source.sha256) {
        out.emplace_back("The dump has no SHA-256, because parts of it could not be read.");
    }
    if (!report.completeness.expected) {
        out.emplace_back(
            "Whether the dump is whole cannot be known, because no table in it says how large the flash is.");
    } else if (!report.completeness.is_complete) {
        out.push_back(escaped(report.completeness.text) + " What lies beyond was not searched.");
    }
    return out;
}

std::vector<std::string> layout_limits(const rescue::InspectReport& report)
{
    std::vector<std::string> elsewhere;
    std::vector<std::string> placeless;
    for (const auto& partition : report.layout.partitions) {
        if (partition.region != "user") {
            elsewhere.push_back(name_html(partition.name) + " (" + escaped(partition.region) + ")");
        } else if (!partition.is_start_known || !partition.is_size_known) {
            placeless.push_back(name_html(partition.name));
        }
    }
    const auto joined = [](const std::vector<std::string>& names) {
        constexpr std::size_t most_names = 40;
        std::string out;
        for (std::size_t i = 0; i < std::min(names.size(), most_names); ++i) {
            out += (i == 0 ? "" : ", ") + names[i];
        }
        return names.size() > most_names ? out + fmt::format(" and {} more", names.size() - most_names) : out;
    };
    std::vector<std::string> out;
    if (!elsewhere.empty()) {
        out.push_back(
            "Not searched, because they lie in another region of the chip than this dump: " + joined(elsewhere) + ".");
    }
    if (!placeless.empty()) {
        out.push_back("Start or size cannot be known, because no table gives them: " + joined(placeless) + ".");
    }
    if (report.layout.tables.empty()) {
        out.emplace_back("Which partition a byte belongs to cannot be known, because there is no partition table.");
    }
    return out;
}

std::vector<std::string> method_limits(const rescue::InspectReport& report)
{
    std::vector<std::string> out{
        fmt::format("Entropy is measured on samples of each {}; something smaller may be missed by the picture. Holes "
                    "and unreadable places are exact.",
                    format_size(report.scan.block)),
        "Encrypted and compressed bytes look alike: which of the two they are cannot be known from their looks."};
    std::uint64_t unlisted = 0;
    for (const auto count : report.scan.hit_counts) {
        constexpr auto kept = scan::ScanOptions{}.max_hits_per_pattern;
        unlisted += count > kept ? count - kept : 0;
    }
    if (unlisted > 0) {
        out.push_back(fmt::format("{} hits of signatures were counted and not looked at, because of one signature no "
                                  "more than the first {} are.",
                                  format_count(unlisted), format_count(scan::ScanOptions{}.max_hits_per_pattern)));
    }
    return out;
}

std::vector<std::string> export_limits(const rescue::InspectReport& report, const rescue::RescueReport* rescued)
{
    if (rescued == nullptr) {
        return {"No file was read: inspecting looks at the dump, and takes nothing out."};
    }
    if (!rescued->exported) {
        return {fmt::format("No file was read: what is on userdata cannot be known, because it was not opened ({}).",
                            rescue::to_string(report.outcome.verdict.code))};
    }
    return {"Deleted files were not searched. <code>salvage export --deleted</code> and <code>salvage carve</code> do.",
            "Only userdata was searched for files; other partitions were cut out as they are."};
}

} // namespace

std::string found_section(const rescue::InspectReport& report)
{
    auto out = "<h3>Proof of the verdict</h3>\n" + list_html(escaped_all(report.outcome.verdict.proof));
    out += dump_facts(report) + signatures(report);
    if (!report.outcome.footers.searched.empty()) {
        out +=
            "<h3>Where a crypto footer was looked for</h3>\n" + list_html(escaped_all(report.outcome.footers.searched));
    }
    return section("found", "What was found, and by what proof", out);
}

std::string findings_section(const rescue::InspectReport& report)
{
    std::vector<const Finding*> conflicts;
    std::vector<const Finding*> others;
    for (const auto& finding : report.findings) {
        (is_conflict(finding) ? conflicts : others).push_back(&finding);
    }
    auto out = conflicts.empty() ? paragraph("The sources do not contradict each other.")
                                 : finding_table("Values that two sources give differently", conflicts);
    if (!others.empty()) {
        out += "<h3>Also worth knowing</h3>\n" + finding_table("Findings", others);
    }
    return section("conflicts", "Conflicts between sources", out);
}

std::string limits_section(const rescue::InspectReport& report, const rescue::RescueReport* rescued)
{
    std::vector<std::string> all;
    for (const auto& part :
         {unread_limits(report), layout_limits(report), export_limits(report, rescued), method_limits(report)}) {
        std::ranges::copy(part, std::back_inserter(all));
    }
    return section("limits", "Limits: not searched, and cannot be known", list_html(all));
}

} // namespace salvage::render
