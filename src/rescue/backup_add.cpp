// Making a copy of a case, and going on with one.
#include <algorithm>
#include <array>
#include <functional>
#include <system_error>
#include <utility>

#include <sys/statvfs.h>

#include <fmt/format.h>

#include "rescue/backup_book.hpp"
#include "rescue/backup_check.hpp"
#include "rescue/backup_folder.hpp"
#include "rescue/backup_restic.hpp"
#include "rescue/beneath.hpp"
#include "rescue/case_ledger.hpp"
#include "rescue/export_listings.hpp"
#include "rescue/log_chain.hpp"
#include "rescue/out_folder.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/rescue/case_log.hpp"

namespace salvage::rescue {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

Result<std::string> fresh_id(const RunContext& context)
{
    std::array<std::byte, 8> bytes{};
    SALVAGE_TRY(context.entropy->fill(bytes));
    return to_hex(bytes);
}

bool lies_in(const fs::path& inner, const fs::path& outer)
{
    const auto relative = inner.lexically_relative(outer);
    return !relative.empty() && *relative.begin() != "..";
}

Result<> check_place(const fs::path& case_folder, const fs::path& target)
{
    if (lies_in(target, case_folder) || lies_in(case_folder, target)) {
        return invalid_argument("a copy cannot lie in the case, nor the case in its copy", target.string(),
                                "name a folder on another medium");
    }
    return {};
}

/// The folder is made, or is empty, or is this very copy.
Result<> check_is_free(const BackupCopy& copy)
{
    const fs::path folder = copy.target.address;
    std::error_code problem;
    fs::create_directories(folder, problem);
    if (problem) {
        return from_errno(problem.value(), "the copy's folder cannot be made", folder.string());
    }
    const bool is_marked = fs::exists(folder / backup_mark, problem);
    if (is_marked ? why_unreachable(copy).empty() : fs::is_empty(folder, problem)) {
        return {};
    }
    return Error{ErrorCode::already_exists,
                 is_marked ? "the folder holds another copy" : "the folder holds something else",
                 folder.string(),
                 std::nullopt,
                 "name a new or an empty folder",
                 {}};
}

Result<> mark(const BackupCopy& copy)
{
    Json json = Json::object();
    json["schema"] = "salvage.backup/1";
    json["id"] = copy.id;
    json["about"] = "A copy of a case of Salvage. Check it with: sha256sum -c SHA256SUMS";
    return io::write_file_atomically(fs::path{copy.target.address} / backup_mark, as_bytes(to_line(json) + "\n"),
                                     io::Existing::replace);
}

/// The files whose content the case log vouches for.
Result<std::map<std::string, std::string>> vouched_for(const fs::path& case_folder)
{
    std::map<std::string, std::string> out;
    const auto folder = SALVAGE_TRY(open_case_folder(case_folder));
    const auto log = open_beneath(folder.get(), std::string{case_log_name});
    if (!log.has_value()) {
        return out;
    }
    CaseLedger ledger;
    const auto chain =
        SALVAGE_TRY(check_chain(read_log_from(log->get()), [&](const LogRecord& record, const LogLine& /*line*/,
                                                               std::uint64_t /*number*/) { ledger.add(record); }));
    if (chain.broken) {
        return Error{ErrorCode::mismatch,
                     "the case's log was changed, so nothing of it was copied",
                     fmt::format("line {}: {}", chain.broken->line, chain.broken->why),
                     std::nullopt,
                     "salvage case verify CASE tells more",
                     {}};
    }
    for (const auto& [path, expected] : ledger.files()) {
        if (expected.written && !expected.planned && !ledger.is_unfinished(path)) {
            out.emplace(path, expected.written->sha256);
        }
    }
    return out;
}

Result<> check_room(const fs::path& target, const std::vector<CaseEntry>& wanted)
{
    std::uint64_t needed = 0;
    for (const auto& entry : wanted) {
        needed += std::min(entry.size, entry.allocated);
    }
    struct statvfs room{};
    if (::statvfs(target.c_str(), &room) == 0 && room.f_bavail * room.f_frsize < needed) {
        return with_need(Error{ErrorCode::no_space, "the copy does not fit", target.string(), std::nullopt, {}, {}},
                         ByteCount{needed}, target);
    }
    return {};
}

/// What the case is at this moment, for a copy whose hashes another program keeps.
Result<std::string> listed(const fs::path& case_folder)
{
    std::string out;
    for (const auto& entry : SALVAGE_TRY(list_case(case_folder))) {
        BackupFile file;
        file.path = entry.path;
        file.size = entry.size;
        file.mtime = entry.mtime;
        file.link = entry.link;
        out += backup_line(file) + "\n";
    }
    return out;
}

class Copying {
public:
    Copying(BackupBook& book, BackupCopy& copy, const RunContext& context) : book_{book}, copy_{copy}, context_{context}
    {
    }

    Result<std::uint64_t> run()
    {
        const fs::path target = copy_.target.address;
        const auto from = SALVAGE_TRY(open_holder(std::string{the_case}, book_.case_folder()));
        const auto to = SALVAGE_TRY(open_holder(copy_.target.address, target));
        auto list = SALVAGE_TRY(BackupList::open(book_.list_path(copy_)));
        const auto entries = SALVAGE_TRY(list_case(book_.case_folder()));
        const auto wanted = what_is_new(entries, list, to);
        const auto vouched = SALVAGE_TRY(vouched_for(book_.case_folder()));
        SALVAGE_TRY(check_room(target, wanted));
        std::uint64_t bytes = 0;
        for (const auto& entry : wanted) {
            bytes += 2 * entry.size;
        }
        BackupProgress progress{"backup", bytes, context_};
        for (const auto& entry : wanted) {
            const auto known = vouched.find(entry.path);
            const auto expected = known == vouched.end() ? std::nullopt : std::optional{known->second};
            auto file = SALVAGE_TRY(copy_into(from, entry, to, expected, progress));
            SALVAGE_TRY(list.add(std::move(file)));
        }
        SALVAGE_TRY(know_what_stays_wrong(entries, list, to, progress));
        SALVAGE_TRY(finish(list, target));
        return progress.done();
    }

private:
    /// What was not copied before, or is another file since; what the target has lost is copied anew.
    [[nodiscard]] std::vector<CaseEntry> what_is_new(const std::vector<CaseEntry>& entries, const BackupList& list,
                                                     const PieceHolder& to) const
    {
        std::vector<CaseEntry> out;
        for (const auto& entry : entries) {
            const auto known = list.files().find(entry.path);
            const bool is_same = known != list.files().end() && is_unchanged(entry, known->second) &&
                                 (entry.path != case_log_name || entry.size == known->second.size);
            const bool is_wrong = copy_.mismatch_count > copy_.mismatches.size() ||
                                  std::ranges::any_of(copy_.mismatches, [&](const BackupMismatch& mismatch) {
                                      return mismatch.path == entry.path;
                                  });
            if (!is_same || is_wrong || !has_shape(to, entry)) {
                out.push_back(entry);
            }
        }
        return out;
    }

    /// What the case does not have any more was not copied anew: it is looked at where something was wrong.
    Result<> know_what_stays_wrong(const std::vector<CaseEntry>& entries, const BackupList& list, const PieceHolder& to,
                                   BackupProgress& progress)
    {
        const bool was_wrong = std::exchange(copy_.mismatch_count, 0) > 0;
        copy_.mismatches.clear();
        if (!was_wrong) {
            return {};
        }
        const auto holders = SALVAGE_TRY(holders_of(book_));
        PieceCheck check{to, holders, progress};
        std::vector<BackupMismatch> left;
        for (const auto& [path, file] : list.files()) {
            if (!std::ranges::binary_search(entries, path, {}, &CaseEntry::path)) {
                SALVAGE_TRY(check.file(file, [](std::size_t /*piece*/) { return true; }, left));
            }
        }
        keep_mismatches(copy_, left);
        return {};
    }

    Result<> finish(const BackupList& list, const fs::path& target)
    {
        std::string sums;
        copy_.files = 0;
        copy_.bytes = ByteCount{0};
        for (const auto& [path, file] : list.files()) {
            if (!file.is_link()) {
                sums += sums_line(file.sha256, path);
                copy_.bytes = copy_.bytes + ByteCount{file.size};
            }
            ++copy_.files;
        }
        const auto document = list.document();
        SALVAGE_TRY(io::write_file_atomically(book_.list_path(copy_), as_bytes(document), io::Existing::replace, 0600));
        SALVAGE_TRY(io::write_file_atomically(target / backup_list_name, as_bytes(document), io::Existing::replace));
        SALVAGE_TRY(io::write_file_atomically(target / sums_name, as_bytes(sums), io::Existing::replace));
        return {};
    }

    BackupBook& book_;
    BackupCopy& copy_;
    const RunContext& context_;
};

void note(const fs::path& case_folder, std::string_view event, const BackupCopy& copy, const RunContext& context)
{
    const auto log = CaseLog::open(case_folder / case_log_name, *context.clock);
    if (!log.has_value()) {
        return; // another run writes into it; the record of the copy is kept in any case
    }
    const std::vector<LogField> data{{.key = "copy", .value = copy.id},
                                     {.key = "address", .value = copy.target.address},
                                     {.key = "medium", .value = copy.target.medium},
                                     {.key = "place", .value = copy.target.place},
                                     {.key = "files", .value = copy.files},
                                     {.key = "bytes", .value = copy.bytes.value}};
    (*log)->write(event, fmt::format("a copy at {}", printable(copy.target.address)), data);
}

/// The copy at the target, or a new one; what was not said of the target stays as it was.
Result<std::reference_wrapper<BackupCopy>> copy_for(const BackupTarget& target, BackupBook& book,
                                                    const RunContext& context)
{
    if (auto* const known = book.at(target); known != nullptr) {
        const auto keep = [](std::string& old, const std::string& said) { old = said.empty() ? old : said; };
        keep(known->target.medium, target.medium);
        keep(known->target.place, target.place);
        keep(known->target.password_file, target.password_file);
        return std::ref(*known);
    }
    BackupCopy fresh;
    fresh.id = SALVAGE_TRY(fresh_id(context));
    fresh.target = target;
    if (fresh.target.medium.empty()) {
        fresh.target.medium = "disk";
    }
    return std::ref(book.add(std::move(fresh)));
}

/// From here on it is not whole.
Result<> begin(const BackupBook& book, BackupCopy& copy, const RunContext& context)
{
    copy.is_whole = false;
    SALVAGE_TRY(book.save(copy));
    note(book.case_folder(), "backup.begin", copy, context);
    return {};
}

Result<ByteCount> add_to_folder(BackupBook& book, BackupCopy& copy, const RunContext& context)
{
    SALVAGE_TRY(check_place(book.case_folder(), copy.target.address));
    SALVAGE_TRY(check_is_free(copy));
    SALVAGE_TRY(begin(book, copy, context)); // before the mark: one without a record would be nobody's
    SALVAGE_TRY(mark(copy));
    return ByteCount{SALVAGE_TRY(Copying(book, copy, context).run())};
}

Result<ByteCount> add_to_repository(const BackupBook& book, BackupCopy& copy, CommandRunner& runner,
                                    const RunContext& context)
{
    SALVAGE_TRY(begin(book, copy, context));
    // First: what changes meanwhile counts as newer than the copy.
    const auto list = SALVAGE_TRY(listed(book.case_folder()));
    SALVAGE_TRY(restic_backup(book.case_folder(), copy, runner, context));
    const auto wrong = SALVAGE_TRY(restic_check(copy, {}, runner, context));
    if (!wrong.empty()) {
        return Error{ErrorCode::mismatch,
                     "the repository does not give back what was put in",
                     wrong.front().text,
                     std::nullopt,
                     {},
                     {}};
    }
    SALVAGE_TRY(io::write_file_atomically(book.list_path(copy), as_bytes(list), io::Existing::replace, 0600));
    copy.checked = context.clock->wall_time();
    copy.mismatches.clear();
    copy.mismatch_count = 0;
    return copy.bytes;
}

} // namespace

std::string_view to_string(BackupKind kind) noexcept
{
    return kind == BackupKind::restic ? "restic" : "folder";
}

BackupTarget backup_target_of(const std::string& named)
{
    constexpr std::string_view prefix = "restic:";
    BackupTarget out;
    if (named.starts_with(prefix)) {
        out.kind = BackupKind::restic;
        out.address = named.substr(prefix.size());
        return out;
    }
    std::error_code problem;
    out.address = fs::weakly_canonical(fs::absolute(named, problem), problem).string();
    return out;
}

Result<BackupReport> add_backup(const BackupAddRequest& request, CommandRunner& runner, const RunContext& context)
{
    auto book = SALVAGE_TRY(BackupBook::open(request.case_folder));
    auto& copy = SALVAGE_TRY(copy_for(request.target, book, context)).get();
    BackupReport report;
    report.bytes = SALVAGE_TRY(copy.target.kind == BackupKind::folder ? add_to_folder(book, copy, context)
                                                                      : add_to_repository(book, copy, runner, context));
    copy.is_whole = true;
    copy.added = context.clock->wall_time();
    copy.checked = copy.checked.value_or(*copy.added); // what was there before was not read again
    copy.parts = 0;
    copy.parts_done.clear();
    SALVAGE_TRY(book.save(copy));
    note(book.case_folder(), "backup.done", copy, context);
    report.case_folder = book.case_folder().string();
    for (auto& each : book.copies()) {
        SALVAGE_TRY(look_at_copy(book, each));
    }
    report.copies = std::move(book.copies());
    judge_backups(report, context.clock->wall_time());
    return report;
}

} // namespace salvage::rescue
