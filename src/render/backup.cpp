#include "salvage/render/backup.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "render/json_parts.hpp"
#include "render/paint.hpp"
#include "render/text_parts.hpp"
#include "salvage/core/text.hpp"

namespace salvage::render {
namespace {

using rescue::BackupCopy;
using rescue::BackupMismatch;

std::string day(const std::optional<std::chrono::seconds>& time)
{
    return time ? time_text({.seconds = time->count(), .nanoseconds = 0}) : std::string{"never"};
}

std::string state_of(const BackupCopy& copy)
{
    if (copy.mismatch_count > 0) {
        return fmt::format("{} pieces differ", format_count(copy.mismatch_count));
    }
    if (!copy.is_whole) {
        return "begun, not whole: add it again to go on";
    }
    if (copy.changed > 0) {
        return fmt::format("whole; {} files of the case are newer", format_count(copy.changed));
    }
    return "whole, read back";
}

std::string copy_lines(const BackupCopy& copy, TextStyle style)
{
    const auto is_bad = copy.mismatch_count > 0;
    auto out = paint(fmt::format("  {}: {}\n", printable(copy.target.address), state_of(copy)),
                     is_bad ? Ink::danger : (copy.is_good() ? Ink::good : Ink::warning), style);
    out += fmt::format("    {}, {}{}; {} files, {}\n", to_string(copy.target.kind), printable(copy.target.medium),
                       copy.target.place.empty() ? std::string{", where the case is"}
                                                 : ", " + printable(copy.target.place),
                       format_count(copy.files), format_size(copy.bytes));
    out += fmt::format("    copied {}, last read through {}", day(copy.added), day(copy.checked));
    if (copy.parts > 0) {
        out += fmt::format(", under way: {} of {} parts", copy.parts_done.size(), copy.parts);
    }
    out += "\n";
    if (copy.is_on_case_device) {
        out += "    on the same medium as the case: one fault can take both\n";
    }
    if (copy.unreachable) {
        out += fmt::format("    not looked at: {}\n", printable(*copy.unreachable));
    }
    return out;
}

std::string mismatch_lines(const BackupMismatch& one, TextStyle style)
{
    auto out =
        paint(fmt::format("  {}: {}: {}", printable(one.copy), printable(one.path), one.code), Ink::danger, style);
    if (one.first_difference) {
        out += fmt::format(", first at byte {}", format_offset(*one.first_difference));
    } else if (one.range.size().value > 0) {
        out +=
            fmt::format(", somewhere in the {} bytes at {}", one.range.size().value, format_offset(one.range.start()));
    }
    return out + "\n" + (one.text.empty() ? std::string{} : fmt::format("    {}\n", one.text));
}

/// What repair can do, and what it cannot.
std::string next_step(const rescue::BackupReport& report)
{
    const auto is_wrong = [](rescue::BackupKind kind) {
        return [kind](const BackupCopy& copy) { return copy.mismatch_count > 0 && copy.target.kind == kind; };
    };
    std::string out;
    if (std::ranges::any_of(report.copies, is_wrong(rescue::BackupKind::folder))) {
        out += "Next: salvage backup repair " + printable(report.case_folder) + "\n";
    }
    if (std::ranges::any_of(report.copies, is_wrong(rescue::BackupKind::restic))) {
        out += "A repository is mended by restic itself; then: salvage backup verify " + printable(report.case_folder) +
               "\n";
    }
    if (std::ranges::any_of(report.mismatches,
                            [](const BackupMismatch& one) { return one.copy == rescue::the_case; })) {
        out += "The case's own files are not written to: take them from a copy that has them as they were\n";
    }
    return out;
}

Json to_json(const BackupMismatch& one)
{
    return {{"copy", one.copy},
            {"path", one.path},
            {"start", one.range.start().value},
            {"size", one.range.size().value},
            {"code", one.code},
            {"first_difference", one.first_difference ? Json(one.first_difference->value) : Json(nullptr)},
            {"text", one.text}};
}

Json to_json(const BackupCopy& copy)
{
    const auto seconds = [](const std::optional<std::chrono::seconds>& time) {
        return time ? Json(time->count()) : Json(nullptr);
    };
    Json out{{"id", copy.id},
             {"kind", to_string(copy.target.kind)},
             {"address", copy.target.address},
             {"medium", copy.target.medium},
             {"place", copy.target.place},
             {"whole", copy.is_whole},
             {"good", copy.is_good()},
             {"files", copy.files},
             {"bytes", copy.bytes.value},
             {"added", seconds(copy.added)},
             {"checked", seconds(copy.checked)},
             {"parts", copy.parts},
             {"parts_done", copy.parts_done},
             {"changed", copy.changed},
             {"same_medium", copy.is_on_case_device},
             {"unreachable", copy.unreachable ? Json(*copy.unreachable) : Json(nullptr)},
             {"mismatch_count", copy.mismatch_count}};
    out["mismatches"] = Json::array();
    for (const auto& one : copy.mismatches) {
        out["mismatches"].push_back(to_json(one));
    }
    return out;
}

} // namespace

std::string text(const rescue::BackupReport& report, TextStyle style)
{
    auto out = paint(report.text, report.is_sound() ? Ink::strong : Ink::danger, style) + "\n";
    for (const auto& copy : report.copies) {
        out += copy_lines(copy, style);
    }
    if (report.repaired > 0) {
        out += fmt::format("  pieces written anew and read back: {}\n", format_count(report.repaired));
    }
    for (const auto& one : report.mismatches) {
        out += mismatch_lines(one, style);
    }
    if (!report.is_sound()) {
        out += next_step(report);
    }
    return out;
}

std::string json(const rescue::BackupReport& report)
{
    Json out{{"schema", "salvage.backup/1"},     {"case", report.case_folder},        {"text", report.text},
             {"sound", report.is_sound()},       {"good_copies", report.good_copies}, {"media", report.media},
             {"places", report.places},          {"bytes", report.bytes.value},       {"repaired", report.repaired},
             {"copies_read", report.copies_read}};
    out["copies"] = Json::array();
    for (const auto& copy : report.copies) {
        out["copies"].push_back(to_json(copy));
    }
    out["mismatches"] = Json::array();
    for (const auto& one : report.mismatches) {
        out["mismatches"].push_back(to_json(one));
    }
    return dumped(out);
}

} // namespace salvage::render
