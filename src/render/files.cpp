// Listings, exports, splits, decryptions and searches, as text and as JSON.
#include <algorithm>
#include <array>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "render/json_parts.hpp"
#include "render/paint.hpp"
#include "render/text_parts.hpp"
#include "salvage/core/text.hpp"

namespace salvage::render {
namespace {

char type_letter(filesystem::EntryType type) noexcept
{
    switch (type) {
    case filesystem::EntryType::file: return '-';
    case filesystem::EntryType::directory: return 'd';
    case filesystem::EntryType::symlink: return 'l';
    case filesystem::EntryType::fifo: return 'p';
    case filesystem::EntryType::socket: return 's';
    case filesystem::EntryType::character_device: return 'c';
    case filesystem::EntryType::block_device: return 'b';
    case filesystem::EntryType::unknown: return '?';
    }
    return '?';
}

std::string mode_text(const filesystem::Entry& entry)
{
    constexpr std::string_view letters = "rwxrwxrwx";
    std::string out(1, type_letter(entry.type));
    for (std::size_t i = 0; i < letters.size(); ++i) {
        out += ((entry.mode >> (8U - i)) & 1U) != 0 ? letters[i] : '-';
    }
    return out;
}

std::string encoding_safe(const std::string& secret)
{
    const bool is_plain = std::ranges::all_of(secret, [](char c) { return c >= 0x20 && c < 0x7F && c != ':'; });
    return is_plain ? secret : "$HEX[" + to_hex(as_bytes(secret)) + "]";
}

} // namespace

std::string time_text(const filesystem::Timestamp& time)
{
    // The year 9999 is where ISO 8601 and fmt's calendar end.
    constexpr std::int64_t last = 253'402'300'799;
    if (time.seconds < -62'135'596'800 || time.seconds > last) {
        return fmt::format("@{}", time.seconds);
    }
    return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::gmtime(static_cast<std::time_t>(time.seconds)));
}

std::string text(const rescue::ListedEntry& listed, TextStyle /*style*/)
{
    const auto& entry = listed.entry;
    auto out = fmt::format("{} {:>5} {:>5} {:>12} {} {}", mode_text(entry), entry.uid, entry.gid, entry.size.value,
                           time_text(entry.modified), printable(listed.path));
    if (!listed.target.empty()) {
        out += " -> " + printable(listed.target);
    }
    if (listed.lost && listed.lost->value > 0) {
        out += fmt::format("   [{} lost]", format_size(*listed.lost));
    }
    if (entry.deleted) {
        out += fmt::format("   [deleted, confidence {}]", filesystem::to_string(*entry.deleted));
    }
    return out + "\n";
}

std::string json(const rescue::ListedEntry& listed)
{
    const auto& entry = listed.entry;
    Json out{{"path", listed.path},
             {"type", filesystem::to_string(entry.type)},
             {"size", entry.size.value},
             {"mode", entry.mode},
             {"uid", entry.uid},
             {"gid", entry.gid},
             {"mtime", entry.modified.total_nanoseconds()},
             {"target", listed.target.empty() ? Json(nullptr) : Json(listed.target)},
             {"deleted", entry.deleted.has_value()},
             {"lost_bytes", listed.lost ? Json(listed.lost->value) : Json(nullptr)}};
    if (entry.deleted) {
        out["confidence"] = filesystem::to_string(*entry.deleted);
    }
    return out.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string text(const rescue::ExportReport& report, TextStyle style)
{
    auto out =
        fmt::format("{} files ({}), {} folders, {} links\n", format_count(report.files),
                    format_size_exact(report.bytes), format_count(report.directories), format_count(report.symlinks));
    if (report.resumed > 0) {
        out += fmt::format("{} of them were finished by an earlier run\n", format_count(report.resumed));
    }
    if (report.others > 0) {
        out += fmt::format("{} fifos, sockets and devices are only in the manifest\n", format_count(report.others));
    }
    for (const auto& problem : report.failed) {
        out += paint(problem.is_partial ? "partly lost: " : "lost: ", Ink::danger, style) +
               fmt::format("{}: {}\n", printable(problem.path), printable(problem.reason));
    }
    out += fmt::format("manifest: {}\nhashes: {}   (check them with sha256sum -c)\n", printable(report.manifest),
                       printable(report.sums));
    return out;
}

std::string json(const rescue::ExportReport& report)
{
    Json out{{"schema", "salvage.export/1"}, {"files", report.files},   {"folders", report.directories},
             {"symlinks", report.symlinks},  {"others", report.others}, {"resumed", report.resumed},
             {"bytes", report.bytes.value}};
    out["failed"] = Json::array();
    for (const auto& problem : report.failed) {
        out["failed"].push_back({{"path", problem.path},
                                 {"reason", problem.reason},
                                 {"lost_bytes", problem.lost.value},
                                 {"partial", problem.is_partial}});
    }
    out["manifest"] = report.manifest;
    out["manifest_sha256"] = report.manifest_sha256;
    out["sums"] = report.sums;
    return dumped(out);
}

std::string text(const rescue::SplitReport& report, TextStyle style)
{
    std::string out;
    for (const auto& part : report.parts) {
        out += fmt::format("{:<28} {:>12}  {}\n", printable(part.file), format_size(part.range.size()),
                           part.sha256.empty() ? "no hash" : part.sha256);
        if (part.lost.value > 0) {
            out += paint(fmt::format("  {} of it could not be read{}\n", format_size_exact(part.lost),
                                     part.is_cut ? ": the dump ends inside it" : ""),
                         Ink::danger, style);
        }
    }
    for (const auto& reason : report.not_written) {
        out += paint(fmt::format("not written: {}\n", printable(reason)), Ink::faint, style);
    }
    for (const auto& gap : report.gaps) {
        out += paint(
            fmt::format("outside all partitions: {} at {}\n", format_size(gap.size()), format_offset(gap.start())),
            Ink::faint, style);
    }
    if (!report.sha256.empty()) {
        out += fmt::format("SHA-256 of the whole dump: {}\n", report.sha256);
    }
    out += fmt::format("manifest: {}\n", printable(report.manifest));
    if (!report.sums.empty()) {
        out += fmt::format("hashes: {}   (check them with sha256sum -c)\n", printable(report.sums));
    }
    return out;
}

std::string json(const rescue::SplitReport& report)
{
    Json out{{"schema", "salvage.split/1"}, {"sha256", report.sha256.empty() ? Json(nullptr) : Json(report.sha256)}};
    out["parts"] = Json::array();
    for (const auto& part : report.parts) {
        out["parts"].push_back({{"name", part.name},
                                {"file", part.file},
                                {"start", part.range.start().value},
                                {"size", part.range.size().value},
                                {"sha256", part.sha256.empty() ? Json(nullptr) : Json(part.sha256)},
                                {"lost_bytes", part.lost.value},
                                {"cut", part.is_cut}});
    }
    out["gaps"] = Json::array();
    for (const auto& gap : report.gaps) {
        out["gaps"].push_back({{"start", gap.start().value}, {"size", gap.size().value}});
    }
    out["not_written"] = report.not_written;
    out["manifest"] = report.manifest;
    out["sums"] = report.sums.empty() ? Json(nullptr) : Json(report.sums);
    return dumped(out);
}

std::string text(const rescue::DecryptReport& report, TextStyle style)
{
    auto out = fmt::format("{}: {}\n", printable(report.path), format_size_exact(report.size));
    if (report.hashing == rescue::Hashing::no) {
        out += "no SHA-256 was wanted\n";
    } else {
        out += report.sha256.empty() ? std::string{"no SHA-256: parts of it could not be read\n"}
                                     : fmt::format("SHA-256 {}\n", report.sha256);
    }
    if (report.resumed.value > 0) {
        out += fmt::format("{} of it were written by an earlier run\n", format_size(report.resumed));
    }
    for (const auto& range : report.lost) {
        out += paint(fmt::format("could not be read, left as a hole: {} at {}\n", format_size_exact(range.size()),
                                 format_offset(range.start())),
                     Ink::danger, style);
    }
    return out;
}

std::string json(const rescue::DecryptReport& report)
{
    Json out{{"schema", "salvage.decrypt/1"},
             {"path", report.path},
             {"size", report.size.value},
             {"sha256", report.sha256.empty() ? Json(nullptr) : Json(report.sha256)},
             {"resumed", report.resumed.value}};
    out["lost"] = Json::array();
    for (const auto& range : report.lost) {
        out["lost"].push_back({{"start", range.start().value}, {"size", range.size().value}});
    }
    return dumped(out);
}

std::string text(const rescue::SearchReport& report, TextStyle style)
{
    std::string out;
    for (const auto& line : report.searched) {
        out += printable(line) + "\n";
    }
    const auto seconds = report.elapsed.count();
    out += fmt::format("{} candidates tried in {}", format_count(report.tried), format_duration(report.elapsed));
    out += seconds > 0 ? fmt::format(" ({:.1f} a second)\n", static_cast<double>(report.tried) / seconds) : "\n";
    for (const auto& found : report.found) {
        out += found.is_for_footer_only
                   ? paint("The secret is right for the footer, and opens no filesystem on this userdata: they come "
                           "from different installations.\n",
                           Ink::warning, style)
                   : paint("Found.\n", Ink::good, style);
        for (const auto& fact : found.found.proof) {
            out += fmt::format("  {}\n", printable(fact));
        }
    }
    for (const auto& device : report.lost_devices) {
        out += paint(
            fmt::format("A device failed and was dropped; its part was done by the others: {}\n", printable(device)),
            Ink::warning, style);
    }
    if (report.end == password::SearchEnd::stopped) {
        out += fmt::format("Stopped; all candidates below number {} are done. The same command goes on from there.\n",
                           format_count(report.state.next));
    } else if (report.end == password::SearchEnd::exhausted) {
        out += report.targets == 1
                   ? std::string{"Not found in this keyspace.  Next: what is half remembered (--like, "
                                 "--pattern-like), dates (--dates all), a word "
                                 "list with rules.\n"}
                   : fmt::format("Found {} of {}; the keyspace is exhausted.\n", report.found.size(), report.targets);
    }
    return out;
}

namespace {

Json json_of(const rescue::FoundSecret& hit)
{
    const auto& found = hit.found;
    const std::string secret{as_text(found.secret.expose())};
    return {{"target", found.target},
            {"secret", encoding_safe(secret)},
            {"secret_hex", to_hex(found.secret.expose())},
            {"encoding", found.encoding},
            {"index", found.index},
            {"proof", found.proof},
            {"step", hit.step},
            {"footer_only", hit.is_for_footer_only}};
}

} // namespace

std::string json(const rescue::SearchReport& report)
{
    constexpr std::array ends{"found", "exhausted", "stopped"};
    Json out{{"schema", "salvage.crack/1"},   {"end", ends.at(static_cast<std::size_t>(report.end))},
             {"tried", report.tried},         {"rejected", report.rejected},
             {"begin", report.state.begin},   {"next", report.state.next},
             {"keyspace", report.state.end},  {"seconds", report.elapsed.count()},
             {"resumed", report.was_resumed}, {"searched", report.searched},
             {"targets", report.targets},     {"lost_devices", report.lost_devices}};
    out["hits"] = Json::array();
    for (const auto& hit : report.found) {
        out["hits"].push_back(json_of(hit));
    }
    out["found"] = report.found.empty() ? Json(nullptr) : json_of(report.found.front());
    return dumped(out);
}

} // namespace salvage::render
