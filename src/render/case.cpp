// A case's verification, signature and log as text and JSON.
#include "salvage/render/case.hpp"

#include <cstdint>

#include <fmt/format.h>

#include "render/json_parts.hpp"
#include "render/paint.hpp"
#include "render/text_parts.hpp"
#include "salvage/core/text.hpp"

namespace salvage::render {
namespace {

using rescue::CaseSignature;

std::string names(std::string_view title, const std::vector<std::string>& listed, std::uint64_t all)
{
    std::string out = all == 0 ? std::string{} : fmt::format("\n{}\n", title);
    for (const auto& name : listed) {
        out += fmt::format("  {}\n", printable(name));
    }
    if (all > listed.size()) {
        out += fmt::format("  … and {} more\n", format_count(all - listed.size()));
    }
    return out;
}

std::string chain_lines(const rescue::CaseVerifyReport& report, TextStyle style)
{
    auto out = fmt::format("  log: {} records, the last with SHA-256\n    {}\n", format_count(report.head.records),
                           report.head.sha256);
    if (report.broken) {
        out += paint(fmt::format("  line {} at byte {}: {}\n", report.broken->line,
                                 format_offset(report.broken->offset), printable(report.broken->why)),
                     Ink::danger, style);
    }
    if (report.torn_lines > 0) {
        out += fmt::format("  cut off by interruptions, and named in the log: {}\n", format_count(report.torn_lines));
    }
    if (report.is_tail_torn) {
        out += "  the last line was cut off by an interruption; the chain holds up to there\n";
    }
    return out;
}

std::string signature_lines(const rescue::CaseVerifyReport& report, TextStyle style)
{
    if (report.signatures.empty()) {
        return "  signatures: none\n";
    }
    std::string out;
    for (const auto& one : report.signatures) {
        const auto line =
            fmt::format("  signature {}: {}, {}\n", printable(one.name), to_string(one.state), printable(one.text));
        out += one.state == CaseSignature::State::wrong ? paint(line, Ink::danger, style) : line;
        if (one.state != CaseSignature::State::wrong) {
            out += fmt::format("    over {} of {} records; key {}\n", format_count(one.records),
                               format_count(report.head.records), one.key);
        }
    }
    return out;
}

} // namespace

std::string text(const rescue::CaseVerifyReport& report, TextStyle style)
{
    auto out = paint(report.text, report.is_sound() ? Ink::strong : Ink::danger, style) + "\n";
    out += chain_lines(report, style);
    out += fmt::format("  files as recorded: {}; exported files as in the manifest: {}; read: {}\n",
                       format_count(report.files), format_count(report.exported), format_size(report.bytes));
    if (report.without_hash > 0) {
        out += fmt::format("  of these without a hash, judged by their size: {}\n", format_count(report.without_hash));
    }
    out += signature_lines(report, style);
    for (const auto& problem : report.problems) {
        out += paint(fmt::format("  {}: {}: {}\n", problem.code, printable(problem.path), printable(problem.text)),
                     Ink::danger, style);
    }
    if (report.problem_count > report.problems.size()) {
        out += fmt::format("  … and {} more\n", format_count(report.problem_count - report.problems.size()));
    }
    out += names("Not judged, for the last run was interrupted while it wrote them:", report.unfinished,
                 report.unfinished_count);
    out += names("In the folder, and in no record:", report.extra, report.extra_count);
    return out;
}

std::string json(const rescue::CaseVerifyReport& report)
{
    Json out{{"schema", "salvage.case-verify/1"},
             {"case", report.folder},
             {"sound", report.is_sound()},
             {"text", report.text},
             {"log", {{"records", report.head.records}, {"sha256", report.head.sha256}}},
             {"broken", nullptr},
             {"torn_lines", report.torn_lines},
             {"torn_tail", report.is_tail_torn},
             {"has_head", report.has_head ? Json(*report.has_head) : Json(nullptr)},
             {"files", report.files},
             {"exported", report.exported},
             {"without_hash", report.without_hash},
             {"bytes", report.bytes.value}};
    if (report.broken) {
        out["broken"] = {
            {"line", report.broken->line}, {"offset", report.broken->offset.value}, {"why", report.broken->why}};
    }
    out["problems"] = Json::array();
    for (const auto& problem : report.problems) {
        out["problems"].push_back({{"path", problem.path}, {"code", problem.code}, {"text", problem.text}});
    }
    out["problem_count"] = report.problem_count;
    out["unfinished"] = report.unfinished;
    out["unfinished_count"] = report.unfinished_count;
    out["extra"] = report.extra;
    out["extra_count"] = report.extra_count;
    out["signed_by_key"] = report.is_signed_by_key ? Json(*report.is_signed_by_key) : Json(nullptr);
    out["signatures"] = Json::array();
    for (const auto& one : report.signatures) {
        out["signatures"].push_back({{"name", one.name},
                                     {"records", one.records},
                                     {"key", one.key},
                                     {"state", to_string(one.state)},
                                     {"text", one.text}});
    }
    return dumped(out);
}

std::string text(const rescue::CaseSignReport& report, TextStyle /*style*/)
{
    return fmt::format("{}: {} records, the last with SHA-256 {}\n  {}.sig\n  key {}\n",
                       report.was_there ? "Signed already by this key" : "Signed", format_count(report.head.records),
                       report.head.sha256, report.name, report.key);
}

std::string json(const rescue::CaseSignReport& report)
{
    return dumped({{"schema", "salvage.case-sign/1"},
                   {"log", {{"records", report.head.records}, {"sha256", report.head.sha256}}},
                   {"signature", report.name + ".sig"},
                   {"key", report.key},
                   {"was_there", report.was_there}});
}

std::string text(const rescue::ShownRecord& record, TextStyle /*style*/)
{
    const auto time = record.time && *record.time <= static_cast<std::uint64_t>(INT64_MAX)
                          ? time_text({.seconds = static_cast<std::int64_t>(*record.time), .nanoseconds = 0})
                          : std::string{"?"};
    return fmt::format("{:>6}  {:>19} UTC  {:<18}  {}\n", record.number, time, printable(record.event),
                       printable(record.text));
}

} // namespace salvage::render
