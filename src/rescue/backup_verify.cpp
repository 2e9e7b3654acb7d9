// Holding every copy against the hashes that were taken when it was made, and telling which copies are right.
#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "rescue/backup_check.hpp"
#include "rescue/backup_restic.hpp"
#include "salvage/core/text.hpp"
#include "salvage/rescue/case_log.hpp"

namespace salvage::rescue {
namespace {

constexpr std::uint32_t max_parts = 10'000;

/// A part is new: what an earlier check of other parts knew goes when the first part of a new round is done.
void begin_part(BackupCopy& copy, BackupPart part)
{
    const bool is_new_round =
        copy.parts != part.of || std::ranges::find(copy.parts_done, part.number) != copy.parts_done.end();
    if (is_new_round) {
        copy.parts = part.of;
        copy.parts_done.clear();
    }
}

void end_part(BackupCopy& copy, BackupPart part, std::chrono::seconds now)
{
    copy.parts_done.push_back(part.number);
    std::ranges::sort(copy.parts_done);
    if (copy.parts_done.size() == copy.parts) {
        copy.checked = now;
        copy.parts = 0;
        copy.parts_done.clear();
    }
}

class Verifying {
public:
    Verifying(BackupBook& book, BackupPart part, CommandRunner& runner, const RunContext& context)
        : book_{book}, part_{part}, runner_{runner}, context_{context}, progress_{"verify", std::nullopt, context}
    {
    }

    Result<BackupReport> run()
    {
        BackupReport report;
        report.case_folder = book_.case_folder().string();
        const auto holders = SALVAGE_TRY(holders_of(book_));
        for (auto& copy : book_.copies()) {
            SALVAGE_TRY(look_at_copy(book_, copy));
            if (copy.is_whole && copy.target.kind == BackupKind::restic) {
                copy.unreachable = SALVAGE_TRY(restic_unreachable(copy, runner_, context_));
            }
            if (!copy.is_whole || copy.unreachable) {
                continue;
            }
            begin_part(copy, part_);
            auto found =
                SALVAGE_TRY(copy.target.kind == BackupKind::restic ? restic_check(copy, part_, runner_, context_)
                                                                   : check_folder(copy, holders));
            forget_known(copy);
            keep_mismatches(copy, found);
            std::ranges::move(found, std::back_inserter(report.mismatches));
            end_part(copy, part_, context_.clock->wall_time());
            SALVAGE_TRY(book_.save(copy));
            ++report.copies_read;
        }
        const auto own = SALVAGE_TRY(files_of_case());
        SALVAGE_TRY(check_pieces(own, holders.front(), holders, report.mismatches));
        report.bytes = ByteCount{progress_.done()};
        report.copies = std::move(book_.copies());
        judge_backups(report, context_.clock->wall_time());
        report.text += looked_at(report);
        note(report);
        return report;
    }

private:
    Result<std::vector<BackupMismatch>> check_folder(const BackupCopy& copy, const Holders& holders)
    {
        const auto list = SALVAGE_TRY(BackupList::open(book_.list_path(copy)));
        const auto holder = SALVAGE_TRY(open_holder(copy.target.address, copy.target.address));
        std::vector<BackupMismatch> out;
        SALVAGE_TRY(check_pieces(list.files(), holder, holders, out));
        return out;
    }

    Result<> check_pieces(const BackupFiles& files, const PieceHolder& holder, const Holders& holders,
                          std::vector<BackupMismatch>& out)
    {
        PieceCheck check{holder, holders, progress_};
        PartOfBytes part{files, part_};
        checked_.clear();
        for (const auto& [path, file] : files) {
            SALVAGE_TRY(check.file(file, [&](std::size_t piece) { return takes(part, file, piece); }, out));
        }
        return {};
    }

    /// What was copied and is in the case still, by size and time.  The log grows: its chain is case verify's to check.
    Result<BackupFiles> files_of_case()
    {
        BackupFiles out;
        const auto entries = SALVAGE_TRY(list_case(book_.case_folder()));
        for (const auto& copy : book_.copies()) {
            if (copy.target.kind == BackupKind::restic) {
                continue; // its list has no hashes
            }
            const auto list = SALVAGE_TRY(BackupList::open(book_.list_path(copy)));
            for (const auto& entry : entries) {
                const auto known = list.files().find(entry.path);
                if (known != list.files().end() && entry.path != case_log_name && is_unchanged(entry, known->second)) {
                    out.insert(*known);
                }
            }
        }
        return out;
    }

    bool takes(PartOfBytes& part, const BackupFile& file, std::size_t piece)
    {
        const bool is_ours = part.takes(file.piece(piece).size());
        if (is_ours) {
            checked_.emplace_back(file.path, file.piece(piece).start().value);
        }
        return is_ours;
    }

    /// What was known of the pieces looked at now is out of date.  What restic said of a part is known until a check of
    /// all: it does not say which part that was.
    void forget_known(BackupCopy& copy) const
    {
        if (part_.of == 1) {
            copy.mismatches.clear();
            copy.mismatch_count = 0;
            return;
        }
        const auto gone = std::erase_if(copy.mismatches, [&](const BackupMismatch& known) {
            return copy.target.kind == BackupKind::folder &&
                   std::ranges::binary_search(checked_, std::pair{known.path, known.range.start().value});
        });
        copy.mismatch_count -= std::min<std::uint64_t>(copy.mismatch_count, gone);
    }

    /// What a part proves, and what was not there.
    [[nodiscard]] std::string looked_at(const BackupReport& report) const
    {
        auto out =
            fmt::format(" Read now: {} of the case and of {} {}",
                        part_.of == 1 ? std::string{"all"} : fmt::format("part {} of {}", part_.number, part_.of),
                        report.copies_read, report.copies_read == 1 ? "copy" : "copies");
        const auto left = report.copies.size() - report.copies_read;
        return out + (left == 0 ? "." : fmt::format("; {} could not be looked at.", left));
    }

    void note(const BackupReport& report) const
    {
        const auto log = CaseLog::open(book_.case_folder() / case_log_name, *context_.clock);
        if (log.has_value()) {
            const std::vector<LogField> data{
                {.key = "part", .value = std::uint64_t{part_.number}},
                {.key = "of", .value = std::uint64_t{part_.of}},
                {.key = "bytes", .value = report.bytes.value},
                {.key = "mismatches", .value = static_cast<std::uint64_t>(report.mismatches.size())}};
            (*log)->write("backup.verified", report.text, data);
        }
    }

    BackupBook& book_;
    BackupPart part_;
    CommandRunner& runner_;
    const RunContext& context_;
    BackupProgress progress_;
    std::vector<std::pair<std::string, std::uint64_t>> checked_; ///< pieces, by path and start
};

} // namespace

Result<BackupPart> parse_backup_part(const std::string& text)
{
    const auto slash = text.find('/');
    BackupPart part{.number = 0, .of = 0};
    const auto read = [](std::string_view digits, std::uint32_t& into) {
        const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), into);
        return problem == std::errc{} && end == digits.data() + digits.size();
    };
    const std::string_view all{text};
    if (slash == std::string::npos || !read(all.substr(0, slash), part.number) ||
        !read(all.substr(slash + 1), part.of) || part.number < 1 || part.of > max_parts || part.number > part.of) {
        return invalid_argument("no part of a check is meant by \"" + printable(text) + "\"", {},
                                "--part 3/30 is the third of thirty");
    }
    return part;
}

Result<BackupReport> verify_backups(const std::filesystem::path& case_folder, BackupPart part, CommandRunner& runner,
                                    const RunContext& context)
{
    auto book = SALVAGE_TRY(BackupBook::open(case_folder));
    if (book.copies().empty()) {
        return not_found("this case has no copies", case_folder.string(), "salvage backup add CASE FOLDER makes one");
    }
    return Verifying{book, part, runner, context}.run();
}

} // namespace salvage::rescue
