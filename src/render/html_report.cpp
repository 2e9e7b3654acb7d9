// A report as one page: the verdict first, then what it rests on, then what it leaves open.
#include "salvage/render/html.hpp"

#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "render/colours.hpp"
#include "render/html_parts.hpp"
#include "render/html_sections.hpp"
#include "render/text_parts.hpp"
#include "salvage/core/text.hpp"

namespace salvage::render {
namespace {

struct Link {
    std::string_view id;
    std::string_view title;
};
constexpr std::array links{
    Link{"found", "What was found"},  Link{"map", "Map"},
    Link{"partitions", "Partitions"}, Link{"footer", "Footer"},
    Link{"conflicts", "Conflicts"},   Link{"taken-out", "Taken out"},
    Link{"hashes", "Hashes"},         Link{"limits", "Limits"},
    Link{"this-run", "This run"},
};

/// What of the headline's colour needs words: a class for the style sheet.
std::string_view tone_of(rescue::VerdictCode code) noexcept
{
    switch (code) {
    case rescue::VerdictCode::open:
    case rescue::VerdictCode::not_encrypted: return "good";
    case rescue::VerdictCode::needs_secret: return "ask";
    case rescue::VerdictCode::needs_phone_key:
    case rescue::VerdictCode::key_missing:
    case rescue::VerdictCode::file_based_encryption: return "warn";
    default: return "bad";
    }
}

std::string verdict_block(const rescue::InspectReport& report)
{
    const auto& verdict = report.outcome.verdict;
    auto out = fmt::format("<section id=\"verdict\" class=\"verdict {}\" aria-labelledby=\"verdict-title\">\n"
                           "<h1 id=\"verdict-title\">{}</h1>\n",
                           tone_of(verdict.code), escaped(headline(verdict)));
    out += paragraph(verdict.text);
    if (!verdict.next.empty()) {
        out += "<p class=\"next\"><b>Next:</b> " + code_html(verdict.next) + "</p>\n";
    }
    return out + fmt::format("<p class=\"faint\">Verdict code: {}</p>\n</section>\n", to_string(verdict.code));
}

std::string navigation(const std::string& body)
{
    std::string out{"<nav aria-label=\"Sections\"><ul>\n"};
    for (const auto& link : links) {
        if (body.find(fmt::format("<section id=\"{}\"", link.id)) != std::string::npos) {
            out += fmt::format("<li><a href=\"#{}\">{}</a></li>\n", link.id, link.title);
        }
    }
    return out + "</ul></nav>\n";
}

std::string cost_table(const rescue::Verdict& verdict)
{
    if (verdict.cost.empty()) {
        return {};
    }
    using Align = HtmlTable::Align;
    HtmlTable table{"What a search takes on this machine, at most, by the rate that was measured",
                    {{"Search"}, {"Candidates", Align::end}, {"Time"}}};
    for (const auto& attack : verdict.cost) {
        table.add_row({escaped(attack.attack), format_count(attack.candidates),
                       format_duration(std::chrono::duration<double>{attack.seconds})});
    }
    return table.html();
}

std::string search_lines(const rescue::RescueReport& report)
{
    if (report.searched.empty()) {
        return {};
    }
    std::vector<std::string> lines;
    lines.reserve(report.searched.size() + 1);
    for (const auto& line : report.searched) {
        lines.push_back(escaped(line));
    }
    if (!report.secret_file.empty()) {
        lines.push_back("The secret was found. It is not in this page; it lies in " + code_html(report.secret_file) +
                        ".");
    }
    return "<h3>What the search tried</h3>\n" + list_html(lines);
}

std::string utc(std::chrono::seconds time)
{
    return time_text({.seconds = time.count(), .nanoseconds = 0}) + " UTC";
}

std::string log_lines(const rescue::RescueReport& report)
{
    return fmt::format(
        "<h3>The case log</h3>\n<p>{}: when the rescue was done it had {} records, the last with the SHA-256 "
        "{}. Later records follow it: the next one carries this hash as <code>previous</code>. Kept apart, "
        "it tells whether the log was changed since: {}.</p>\n",
        code_html(report.case_folder + "/log.jsonl"), format_count(report.log.records), code_html(report.log.sha256),
        code_html("salvage case verify " + report.case_folder + " --head HASH"));
}

/// The one section that differs between two pages about the same dump.
std::string run_section(const rescue::InspectReport& report, const rescue::RescueReport* rescued, const PageRun& run)
{
    auto out = fmt::format("<p>Written {} by salvage {}. Another run over the same dump gives the same page but for "
                           "this section.</p>\n",
                           utc(run.written), escaped(run.version));
    out += cost_table(report.outcome.verdict);
    if (rescued != nullptr) {
        out += search_lines(*rescued) + log_lines(*rescued);
    }
    return section("this-run", "This run", out);
}

std::string page(const rescue::InspectReport& report, const std::string& sections)
{
    auto out = fmt::format(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
        "<meta name=\"referrer\" content=\"no-referrer\"/>\n<meta name=\"color-scheme\" content=\"light dark\"/>\n"
        "<title>{} — {}</title>\n<style>\n{}{}</style>\n</head>\n<body>\n{}",
        escaped(headline(report.outcome.verdict)), escaped(report.source.path), colour_tokens(), style_sheet(),
        hatchings());
    out += fmt::format("<header><p>Salvage report on {}</p></header>\n", name_html(report.source.path));
    out += navigation(sections);
    out += "<main>\n" + verdict_block(report) + sections + "</main>\n";
    return out + "<footer><p>Made from the dump alone: nothing was sent anywhere, and nothing is loaded.</p></footer>\n"
                 "</body>\n</html>\n";
}

/// What the page says of the dump, with the section about the run where it helps: what a search costs belongs beside
/// the verdict, a log's head at the end.
std::string page_of(const rescue::InspectReport& report, const rescue::RescueReport* rescued, const PageRun& run)
{
    const auto about_run = run_section(report, rescued, run);
    const bool is_first = !report.outcome.verdict.cost.empty();
    auto sections = (is_first ? about_run : std::string{}) + found_section(report) + map_section(report) +
                    partitions_section(report) + footer_section(report.outcome.footers) + findings_section(report);
    if (rescued != nullptr) {
        sections += export_section(*rescued);
    }
    sections += hashes_section(report, rescued) + limits_section(report, rescued);
    return page(report, is_first ? sections : sections + about_run);
}

} // namespace

std::string html(const rescue::InspectReport& report, const PageRun& run)
{
    return page_of(report, nullptr, run);
}

std::string html(const rescue::RescueReport& report, const PageRun& run)
{
    return page_of(report.inspect, &report, run);
}

} // namespace salvage::render
