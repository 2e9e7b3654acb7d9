// Verdicts, errors and footers in plain words.
#include <fmt/format.h>

#include "render/paint.hpp"
#include "render/text_parts.hpp"
#include "salvage/core/text.hpp"

namespace salvage::render {
namespace {

Ink ink_of(rescue::VerdictCode code) noexcept
{
    switch (code) {
    case rescue::VerdictCode::open:
    case rescue::VerdictCode::not_encrypted: return Ink::good;
    case rescue::VerdictCode::needs_secret: return Ink::accent;
    case rescue::VerdictCode::needs_phone_key:
    case rescue::VerdictCode::key_missing:
    case rescue::VerdictCode::file_based_encryption: return Ink::warning;
    default: return Ink::danger;
    }
}

} // namespace

std::string text(const rescue::Verdict& verdict, TextStyle style)
{
    auto out = paint(rescue::headline(verdict), ink_of(verdict.code), style) + "\n";
    out += printable(verdict.text) + "\n";
    if (!verdict.cost.empty()) {
        out += "\nWhat a search takes on this machine, at most:\n";
        for (const auto& attack : verdict.cost) {
            out += fmt::format("  {:<28} {:>16} candidates   {}\n", attack.attack, format_count(attack.candidates),
                               format_duration(std::chrono::duration<double>{attack.seconds}));
        }
    }
    if (!verdict.proof.empty()) {
        out += paint("\nProof\n", Ink::strong, style);
        for (const auto& fact : verdict.proof) {
            out += fmt::format("  {}\n", printable(fact));
        }
    }
    if (!verdict.next.empty()) {
        out += fmt::format("\nNext: {}\n", paint(printable(verdict.next), Ink::strong, style));
    }
    return out;
}

std::string text(const Error& error, TextStyle style)
{
    auto out = fmt::format("salvage: {} {}\n", paint("error:", Ink::danger, style), printable(error.what));
    if (error.where && !error.where->chain.empty()) {
        out += fmt::format("  where: {}\n", printable(to_string(*error.where)));
    }
    if (!error.why.empty()) {
        out += fmt::format("  why: {}\n", printable(error.why));
    }
    for (const auto& step : error.trail) {
        out += fmt::format("  while: {}\n", printable(step));
    }
    if (!error.hint.empty()) {
        out += fmt::format("  hint: {}\n", printable(error.hint));
    }
    return out;
}

std::string text(const rescue::FooterReport& report, TextStyle style)
{
    std::string out;
    for (std::size_t i = 0; i < report.search.footers.size(); ++i) {
        const auto& found = report.search.footers[i];
        out += paint(fmt::format("{} crypto footer {}.{} at {}\n", fde::to_string(found.footer.kind),
                                 found.footer.major, found.footer.minor, format_offset(found.offset)),
                     Ink::strong, style);
        if (const auto fields = fde::describe_footer(found.raw); fields.has_value()) {
            for (const auto& field : *fields) {
                out += fmt::format(
                    "  {:#06x}  {:<28} {}{}\n", field.range.start().value, field.name, printable(field.value),
                    field.meaning.empty() ? "" : "   " + paint(printable(field.meaning), Ink::faint, style));
            }
        }
        for (const auto& entry : found.persist) {
            out += fmt::format("  kept beside it: {} = {}\n", printable(entry.key), printable(entry.value));
        }
        out += finding_list(found.footer.findings, style);
        out += "\n" + text(report.verdicts.at(i), style);
    }
    if (report.search.footers.empty()) {
        out += "No crypto footer was found.\n";
        for (const auto& place : report.search.searched) {
            out += fmt::format("  searched: {}\n", printable(place));
        }
    }
    for (const auto& decoy : report.search.decoys) {
        out += fmt::format("not a footer: {} {}\n", format_offset(decoy.offset), printable(decoy.reason));
    }
    return out;
}

} // namespace salvage::render
