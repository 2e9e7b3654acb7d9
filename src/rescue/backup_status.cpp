// How far from three copies on two media, one of them elsewhere.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "rescue/backup_book.hpp"
#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

constexpr unsigned wanted_copies = 3;
constexpr unsigned wanted_media = 2;
constexpr unsigned wanted_places = 2;

/// Two disks are two media; two folders of one are not.
std::string medium_of(const BackupCopy& copy)
{
    return copy.is_on_case_device ? "disk of the case" : fmt::format("{} {}", copy.target.medium, copy.target.place);
}

std::string age(std::chrono::seconds then, std::chrono::seconds now)
{
    return now <= then ? "just now" : format_duration(now - then) + " ago";
}

std::string last_check(const BackupReport& report, std::chrono::seconds now)
{
    std::optional<std::chrono::seconds> oldest;
    for (const auto& copy : report.copies) {
        if (!copy.is_good()) {
            continue;
        }
        const auto read = copy.checked ? copy.checked : copy.added;
        oldest = !oldest || (read && *read < *oldest) ? read : oldest;
    }
    return oldest ? fmt::format(" All of them were read through at the latest {}.", age(*oldest, now)) : std::string{};
}

std::string missing(const BackupReport& report)
{
    std::vector<std::string> out;
    if (report.good_copies < wanted_copies) {
        const auto more = wanted_copies - report.good_copies;
        out.push_back(fmt::format("{} more {}", more, more == 1 ? "copy" : "copies"));
    }
    if (report.media < wanted_media) {
        out.emplace_back("one on another medium");
    }
    if (report.places < wanted_places) {
        out.emplace_back("one kept elsewhere");
    }
    return fmt::format("{}", fmt::join(out, ", "));
}

} // namespace

void judge_backups(BackupReport& report, std::chrono::seconds now)
{
    std::set<std::string> media{"disk of the case"};
    std::set<std::string> places{""};
    const bool is_case_wrong =
        std::ranges::any_of(report.mismatches, [](const BackupMismatch& one) { return one.copy == the_case; });
    report.good_copies = is_case_wrong ? 0 : 1; // the case itself
    std::uint64_t bad = report.mismatches.size();
    std::uint64_t changed = 0;
    for (const auto& copy : report.copies) {
        bad += copy.mismatch_count;
        changed = std::max(changed, copy.is_whole ? copy.changed : 0);
        if (copy.is_good()) {
            ++report.good_copies;
            media.insert(medium_of(copy));
            places.insert(copy.target.place);
        }
    }
    report.media = static_cast<unsigned>(media.size());
    report.places = static_cast<unsigned>(places.size());
    const auto counted =
        fmt::format("{} of {} copies (the case is one), {} of {} media, {} of {} places", report.good_copies,
                    wanted_copies, report.media, wanted_media, report.places, wanted_places);
    const auto lacks = missing(report);
    if (bad > 0) {
        report.text =
            fmt::format("{} is not what was copied: {}.", is_case_wrong ? "The case itself" : "A copy", counted);
    } else if (lacks.empty()) {
        report.text = fmt::format("As it should be: {}.{}", counted, last_check(report, now));
    } else {
        report.text = fmt::format("{}; missing: {}.{}", counted, lacks, last_check(report, now));
    }
    if (changed > 0) {
        report.text += fmt::format(" {} files of the case are newer than a copy: add it again.", format_count(changed));
    }
}

Result<BackupReport> backup_status(const std::filesystem::path& case_folder, const RunContext& context)
{
    auto book = SALVAGE_TRY(BackupBook::open(case_folder));
    BackupReport report;
    report.case_folder = book.case_folder().string();
    for (auto& copy : book.copies()) {
        SALVAGE_TRY(look_at_copy(book, copy));
    }
    report.copies = std::move(book.copies());
    judge_backups(report, context.clock->wall_time());
    return report;
}

bool BackupReport::is_sound() const noexcept
{
    return mismatches.empty() &&
           std::ranges::all_of(copies, [](const BackupCopy& copy) { return copy.mismatch_count == 0; });
}

} // namespace salvage::rescue
