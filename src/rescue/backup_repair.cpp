// Writing right pieces over wrong ones.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "rescue/backup_check.hpp"
#include "salvage/core/text.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/rescue/case_log.hpp"

namespace salvage::rescue {
namespace {

class Repairing {
public:
    Repairing(BackupBook& book, const RunContext& context) : book_{book}, progress_{"repair", std::nullopt, context} {}

    /// Pieces that were mended; what could not be mended is added to `left`.
    Result<std::uint64_t> repair(BackupCopy& copy, std::vector<BackupMismatch>& left)
    {
        const auto list = SALVAGE_TRY(BackupList::open(book_.list_path(copy)));
        const auto holders = SALVAGE_TRY(holders_of(book_));
        const auto holder = SALVAGE_TRY(open_holder(copy.target.address, copy.target.address));
        PieceCheck check{holder, holders, progress_};
        std::uint64_t mended = 0;
        for (const auto& [path, file] : list.files()) {
            std::vector<BackupMismatch> wrong;
            SALVAGE_TRY(check.file(file, [](std::size_t /*piece*/) { return true; }, wrong));
            if (wrong.empty()) {
                continue;
            }
            // While it is mended it may look right and not be: an interruption leaves a copy that is known as bad.
            keep_mismatches(copy, wrong);
            SALVAGE_TRY(book_.save(copy));
            mended += mend(holder, file, wrong, check);
            SALVAGE_TRY(check.file(file, [](std::size_t /*piece*/) { return true; }, left));
        }
        return mended;
    }

    [[nodiscard]] std::uint64_t bytes() const noexcept { return progress_.done(); }

private:
    static std::uint64_t mend(const PieceHolder& holder, const BackupFile& file,
                              const std::vector<BackupMismatch>& wrong, const PieceCheck& check)
    {
        std::uint64_t mended = 0;
        const auto is_shape = [](const BackupMismatch& one) {
            return one.code != "sha256" && one.code != "unreadable";
        };
        if (std::ranges::any_of(wrong, is_shape)) {
            // A file without a right source for its pieces stays as it is: nothing is cut off that may be needed.
            const bool has_source = file.pieces.empty() || !check.ask_others(file, 0).right.empty();
            if (!has_source || !mend_shape(holder, file).has_value()) {
                return 0;
            }
            mended += file.pieces.empty() ? 1U : 0U;
        }
        for (const auto& one : wrong) {
            mended += !file.pieces.empty() && mend_one(holder, file, one, check) ? 1U : 0U;
        }
        mend_time(holder, file);
        return mended;
    }

    static bool mend_one(const PieceHolder& holder, const BackupFile& file, const BackupMismatch& one,
                         const PieceCheck& check)
    {
        const auto piece = static_cast<std::size_t>(one.range.start().value / backup_piece.value);
        const auto votes = check.ask_others(file, piece);
        for (const auto* const right : votes.right) {
            PieceReader reader{*right, file};
            const auto bytes = reader.bytes(piece);
            if (bytes.has_value() && to_hex(crypto::sha256(*bytes)) == file.pieces.at(piece) &&
                mend_piece(holder, file, piece, *bytes).has_value()) {
                return true;
            }
        }
        return false;
    }

    BackupBook& book_;
    BackupProgress progress_;
};

} // namespace

Result<BackupReport> repair_backups(const std::filesystem::path& case_folder, const RunContext& context)
{
    auto book = SALVAGE_TRY(BackupBook::open(case_folder));
    if (book.copies().empty()) {
        return not_found("this case has no copies", case_folder.string(), "salvage backup add CASE FOLDER makes one");
    }
    BackupReport report;
    report.case_folder = book.case_folder().string();
    Repairing repairing{book, context};
    for (auto& copy : book.copies()) {
        SALVAGE_TRY(look_at_copy(book, copy));
        if (copy.target.kind == BackupKind::restic || !copy.is_whole || copy.unreachable) {
            continue;
        }
        std::vector<BackupMismatch> left;
        report.repaired += SALVAGE_TRY(repairing.repair(copy, left));
        copy.mismatch_count = 0;
        copy.mismatches.clear();
        keep_mismatches(copy, left);
        copy.checked = context.clock->wall_time();
        copy.parts = 0;
        copy.parts_done.clear();
        report.mismatches.insert(report.mismatches.end(), left.begin(), left.end());
        SALVAGE_TRY(book.save(copy));
    }
    report.bytes = ByteCount{repairing.bytes()};
    report.copies = std::move(book.copies());
    judge_backups(report, context.clock->wall_time());
    const auto log = CaseLog::open(book.case_folder() / case_log_name, *context.clock);
    if (log.has_value()) {
        (*log)->write("backup.repaired", fmt::format("{} pieces of copies were written anew", report.repaired));
    }
    return report;
}

} // namespace salvage::rescue
