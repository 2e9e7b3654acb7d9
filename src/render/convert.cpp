// Conversions, and what an E01 says of itself.
#include "salvage/render/convert.hpp"

#include <charconv>
#include <chrono>
#include <system_error>

#include <fmt/format.h>

#include "render/json_parts.hpp"
#include "render/paint.hpp"
#include "salvage/core/text.hpp"

namespace salvage::render {
namespace {

struct CaseLine {
    std::string_view label;
    std::string_view key;
    std::string io::E01CaseData::* value;
};
constexpr std::array case_lines{
    CaseLine{.label = "case", .key = "case_number", .value = &io::E01CaseData::case_number},
    CaseLine{.label = "evidence", .key = "evidence_number", .value = &io::E01CaseData::evidence_number},
    CaseLine{.label = "description", .key = "description", .value = &io::E01CaseData::description},
    CaseLine{.label = "examiner", .key = "examiner", .value = &io::E01CaseData::examiner},
    CaseLine{.label = "notes", .key = "notes", .value = &io::E01CaseData::notes},
    CaseLine{.label = "acquired", .key = "acquired", .value = &io::E01CaseData::acquired},
    CaseLine{.label = "software", .key = "software", .value = &io::E01CaseData::software},
};

/// "2026 11 26 1 21 22" as it stands; seconds since 1970 as a date.
std::string acquired_text(const std::string& stored)
{
    std::int64_t seconds = 0;
    const auto* const end = stored.data() + stored.size();
    const auto [stop, problem] = std::from_chars(stored.data(), end, seconds);
    constexpr std::int64_t last = 253'402'300'799; // the year 9999
    if (problem != std::errc{} || stop != end || seconds < 0 || seconds > last) {
        return printable(stored);
    }
    const std::chrono::sys_seconds point{std::chrono::seconds{seconds}};
    const auto day = std::chrono::floor<std::chrono::days>(point);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{point - day};
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                       clock.minutes().count(), clock.seconds().count());
}

std::string e01_text(const io::E01Info& info, TextStyle style)
{
    std::string out;
    for (const auto& line : case_lines) {
        if (const auto& value = info.case_data.*line.value; !value.empty()) {
            const bool is_time = line.value == &io::E01CaseData::acquired;
            out += fmt::format("  {}: {}\n", line.label, is_time ? acquired_text(value) : printable(value));
        }
    }
    out += fmt::format("  {} segment{}, chunks of {}\n", info.segments, info.segments == 1 ? "" : "s",
                       format_size(info.chunk));
    for (const auto& range : info.acquisition_errors) {
        out += fmt::format("  not read when it was made: {} at {}\n", format_size_exact(range.size()),
                           format_offset(range.start()));
    }
    for (const auto& sentence : info.damage) {
        out += paint(fmt::format("  damaged: {}\n", printable(sentence)), Ink::danger, style);
    }
    return out;
}

std::string hashes_text(const rescue::ConvertReport& report, TextStyle style)
{
    std::string out;
    for (const auto& [name, digest] :
         {std::pair{"SHA-256", &report.sha256}, std::pair{"MD5", &report.md5}, std::pair{"SHA-1", &report.sha1}}) {
        out += digest->empty() ? std::string{} : fmt::format("{:<7} {}\n", name, *digest);
    }
    out += report.lost.empty() ? "" : "what could not be read counts as zeros in them\n";
    for (const auto& hash : report.stored) {
        out += hash.agrees()
                   ? fmt::format("the {} stored in the source agrees\n", hash.kind)
                   : paint(fmt::format("the {} stored in the source is another: {}\n", hash.kind, hash.stored),
                           Ink::danger, style);
    }
    if (report.e01 && report.stored.empty()) {
        out += "the source has no hash stored\n";
    }
    return out;
}

Json ranges_json(const std::vector<ByteRange>& ranges)
{
    auto out = Json::array();
    for (const auto& range : ranges) {
        out.push_back({{"start", range.start().value}, {"size", range.size().value}});
    }
    return out;
}

Json text_or_nothing(const std::string& text)
{
    return text.empty() ? Json(nullptr) : Json(text);
}

Json e01_json(const io::E01Info& info)
{
    Json out;
    for (const auto& line : case_lines) {
        out[std::string{line.key}] = text_or_nothing(info.case_data.*line.value);
    }
    out["segments"] = info.segments;
    out["chunk_bytes"] = info.chunk.value;
    out["acquisition_errors"] = ranges_json(info.acquisition_errors);
    out["damage"] = info.damage;
    return out;
}

} // namespace

std::string text(const rescue::ConvertReport& report, TextStyle style)
{
    auto out =
        fmt::format("{} ({}): {}\n", printable(report.source), report.source_container, format_size_exact(report.size));
    out += report.e01 ? e01_text(*report.e01, style) : std::string{};
    if (!report.files.empty()) {
        out += fmt::format("{} ({}): {} file{}, {}\n", printable(report.files.front()), report.format,
                           report.files.size(), report.files.size() == 1 ? "" : "s", format_size_exact(report.written));
    }
    out += hashes_text(report, style);
    for (const auto& range : report.lost) {
        out += paint(
            fmt::format("could not be read: {} at {}\n", format_size_exact(range.size()), format_offset(range.start())),
            Ink::danger, style);
    }
    out += report.map.empty() ? std::string{} : fmt::format("map of these areas: {}\n", printable(report.map));
    out += report.sums.empty() ? std::string{} : fmt::format("hash beside it: {}\n", printable(report.sums));
    out += report.is_read_back ? "read back: the same\n" : "";
    return out;
}

std::string json(const rescue::ConvertReport& report)
{
    Json out{{"schema", "salvage.convert/1"},
             {"source", report.source},
             {"source_container", report.source_container},
             {"e01", report.e01 ? e01_json(*report.e01) : Json(nullptr)},
             {"format", text_or_nothing(report.format)},
             {"files", report.files},
             {"size", report.size.value},
             {"allocated", report.written.value},
             {"sha256", text_or_nothing(report.sha256)},
             {"md5", text_or_nothing(report.md5)},
             {"sha1", text_or_nothing(report.sha1)},
             {"map", text_or_nothing(report.map)},
             {"sums", text_or_nothing(report.sums)},
             {"read_back", report.is_read_back}};
    out["lost"] = ranges_json(report.lost);
    out["stored_hashes"] = Json::array();
    for (const auto& hash : report.stored) {
        out["stored_hashes"].push_back(
            {{"kind", hash.kind}, {"stored", hash.stored}, {"computed", hash.computed}, {"agrees", hash.agrees()}});
    }
    return dumped(out);
}

} // namespace salvage::render
