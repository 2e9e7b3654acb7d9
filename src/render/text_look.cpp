// Hits and hex.
#include <algorithm>

#include <fmt/format.h>

#include "render/paint.hpp"
#include "render/text_parts.hpp"
#include "salvage/core/text.hpp"

namespace salvage::render {

std::string text(const rescue::FindReport& report, TextStyle style)
{
    std::string out;
    for (const auto& hit : report.hits) {
        const auto place = hit.partition.empty()
                               ? std::string{"outside any partition"}
                               : fmt::format("{}+{:#x}", printable(hit.partition), hit.at_in_partition.value);
        out += fmt::format("{:>14} = {:#x} = {}  {}", hit.at.value, hit.at.value, place, printable(hit.pattern));
        if (hit.is_structure) {
            out += *hit.is_structure ? paint("  structure", Ink::good, style) : paint("  decoy", Ink::faint, style);
        }
        if (!hit.note.empty()) {
            out += paint(fmt::format(": {}", printable(hit.note)), Ink::faint, style);
        }
        out += "\n";
    }
    if (report.hits_not_listed > 0) {
        out += fmt::format("{} more hits are not listed\n", format_count(report.hits_not_listed));
    }
    return out;
}

namespace {

constexpr std::size_t row_bytes = 16;

std::string hex_row(ByteView row)
{
    std::string hex;
    std::string ascii;
    for (std::size_t i = 0; i < row_bytes; ++i) {
        if (i == row_bytes / 2) {
            hex += ' ';
        }
        if (i >= row.size()) {
            hex += "   ";
            continue;
        }
        const auto value = std::to_integer<unsigned>(row[i]);
        hex += fmt::format("{:02x} ", value);
        ascii += value >= 0x20 && value < 0x7F ? static_cast<char>(value) : '.';
    }
    return fmt::format("{} |{}|", hex, ascii);
}

bool is_unreadable(const rescue::HexReport& report, ByteOffset at)
{
    return std::ranges::any_of(report.extents, [&](const io::Extent& extent) {
        return extent.kind == io::ExtentKind::unreadable && extent.range.contains(at);
    });
}

std::string hex_rows(const rescue::HexReport& report, TextStyle style)
{
    std::string out;
    bool is_folding = false;
    const ByteView bytes{report.bytes};
    for (std::size_t at = 0; at < bytes.size(); at += row_bytes) {
        const auto row = bytes.subspan(at, std::min(row_bytes, bytes.size() - at));
        const auto where = report.at + ByteCount{at};
        const bool is_last = at + row_bytes >= bytes.size();
        const bool repeats =
            at > 0 && !is_last && std::ranges::equal(row, bytes.subspan(at - row_bytes, row_bytes)) &&
            is_unreadable(report, where) == is_unreadable(report, report.at + ByteCount{at - row_bytes});
        if (repeats) {
            out += is_folding ? "" : "*\n";
            is_folding = true;
            continue;
        }
        is_folding = false;
        out +=
            fmt::format("{:012x}  {}\n", where.value,
                        is_unreadable(report, where) ? paint("could not be read", Ink::danger, style) : hex_row(row));
    }
    return out;
}

} // namespace

std::string text(const rescue::HexReport& report, TextStyle style)
{
    auto out = fmt::format("{} = {}\n", format_offset(report.at), printable(report.place));
    out += hex_rows(report, style);
    if (!report.structure.empty()) {
        out += paint(fmt::format("\n{} at {}\n", report.structure, format_offset(report.structure_at)), Ink::strong,
                     style);
        for (const auto& field : report.fields) {
            out += fmt::format("  {:#014x}  {:<28} {}{}\n", report.structure_at.value + field.range.start().value,
                               field.name, printable(field.value),
                               field.meaning.empty() ? "" : "   " + paint(printable(field.meaning), Ink::faint, style));
        }
    }
    return out;
}

} // namespace salvage::render
