// A layout as a table, and findings as a list.
#include "render/text_parts.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "render/paint.hpp"
#include "salvage/core/text.hpp"

namespace salvage::render {
namespace {

std::size_t columns_of(std::string_view text) noexcept
{
    // UTF-8 continuation bytes take no column; wide characters are rare in partition names.
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string padded(const std::string& text, std::size_t width)
{
    const auto columns = columns_of(text);
    return columns < width ? text + std::string(width - columns, ' ') : text;
}

std::string hex_or(bool is_known, std::uint64_t value)
{
    return is_known ? fmt::format("{:#x}", value) : "?";
}

std::string decimal_or(bool is_known, std::uint64_t value)
{
    return is_known ? fmt::format("{}", value) : "?";
}

/// What the tables say of a partition beside its place: what for, which filesystem, whether the flash tool skips it.
std::string purpose_of(const partition::Partition& partition)
{
    std::string out{partition::to_string(partition.role)};
    if (!partition.filesystem.empty()) {
        out += ", " + printable(partition.filesystem);
    }
    const std::pair<std::string, std::string> hidden{"operation_type", "INVISIBLE"};
    if (std::ranges::find(partition.attributes, hidden) != partition.attributes.end()) {
        out += ", invisible to the flash tool";
    }
    return out;
}

Ink ink_of(Severity severity) noexcept
{
    switch (severity) {
    case Severity::error: return Ink::danger;
    case Severity::warning: return Ink::warning;
    case Severity::note: return Ink::faint;
    }
    return Ink::faint;
}

} // namespace

std::string partition_table(const partition::Layout& layout, const std::vector<rescue::PartitionFacts>* facts,
                            TextStyle style)
{
    std::size_t name_width = 4;
    for (const auto& partition : layout.partitions) {
        name_width = std::max(name_width, columns_of(printable(partition.name)));
    }
    // Starts in both bases: hex editors and scatter files speak hex, dd and search tools decimal.
    constexpr std::string_view row{"  {}  {:<7}  {:>12}  {:>13}  {:>12}  {:>10}  {:<12}  {}\n"};
    auto out = paint(fmt::format(row, padded("name", name_width), "region", "start", "(decimal)", "end", "size",
                                 "source", facts == nullptr ? "what for" : "content"),
                     Ink::faint, style);
    for (std::size_t i = 0; i < layout.partitions.size(); ++i) {
        const auto& partition = layout.partitions[i];
        auto content = purpose_of(partition);
        if (facts != nullptr && i < facts->size()) {
            content = facts->at(i).filesystem.empty() ? facts->at(i).looks : facts->at(i).filesystem;
        }
        const bool is_end_known = partition.is_start_known && partition.is_size_known;
        out += fmt::format(row, padded(printable(partition.name), name_width), printable(partition.region),
                           hex_or(partition.is_start_known, partition.start.value),
                           decimal_or(partition.is_start_known, partition.start.value),
                           hex_or(is_end_known, is_end_known ? partition.start.value + partition.size.value : 0),
                           partition.is_size_known ? format_size(partition.size) : "?", printable(partition.source),
                           content);
    }
    return out;
}

std::string finding_list(const std::vector<Finding>& findings, TextStyle style)
{
    std::string out;
    for (const auto& finding : findings) {
        out += fmt::format("  {} {}\n",
                           paint(fmt::format("{}:", to_string(finding.severity)), ink_of(finding.severity), style),
                           printable(finding.text));
        std::string values;
        for (const auto& [name, number] : finding.numbers) {
            values += fmt::format("{}{} {:#x} ({})", values.empty() ? "" : ", ", name, number, number);
        }
        for (const auto& [name, word] : finding.words) {
            values += fmt::format("{}{} {}", values.empty() ? "" : ", ", name, printable(word));
        }
        const auto place = finding.where.partition.empty() ? std::string{} : printable(finding.where.partition) + ", ";
        out += paint(fmt::format("      {}{}{}{}\n", place, finding.code, values.empty() ? "" : ": ", values),
                     Ink::faint, style);
    }
    return out;
}

std::string text(const partition::Layout& layout, TextStyle style)
{
    std::string out;
    for (const auto& table : layout.tables) {
        out += fmt::format("{}: {}{}, {} partition{}\n", printable(table.path), table.kind,
                           table.dialect.empty() ? "" : " (" + printable(table.dialect) + ")", table.partitions.size(),
                           table.partitions.size() == 1 ? "" : "s");
        if (!table.footer_place.empty()) {
            out += fmt::format("  the crypto footer is at: {}\n", table.footer_place == "footer"
                                                                      ? "the last 16 KiB of userdata"
                                                                      : printable(table.footer_place));
        }
        if (!table.data_encryption.empty()) {
            out += fmt::format("  encryption of /data: {}\n", printable(table.data_encryption));
        }
    }
    if (layout.device_size) {
        out += fmt::format("flash: {}\n", format_size_exact(*layout.device_size));
    }
    if (!layout.partitions.empty()) {
        out += "\n" + partition_table(layout, nullptr, style);
    }
    if (!layout.findings.empty()) {
        out += "\n" + finding_list(layout.findings, style);
    }
    return out;
}

} // namespace salvage::render
