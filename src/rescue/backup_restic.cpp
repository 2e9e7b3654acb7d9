// restic's command line; its JSON is that of `restic backup --json`, message_type "summary".
#include "rescue/backup_restic.hpp"

#include <fmt/format.h>

#include "rescue/out_folder.hpp"
#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

std::vector<std::string> restic(const BackupCopy& copy, std::vector<std::string> further)
{
    std::vector<std::string> out{"restic", "--repo", copy.target.address};
    if (!copy.target.password_file.empty()) {
        out.insert(out.end(), {"--password-file", copy.target.password_file});
    }
    out.insert(out.end(), further.begin(), further.end());
    return out;
}

Error no_restic(Error error)
{
    return error.code == ErrorCode::not_found
               ? std::move(error).with_hint("install restic (Debian: apt install restic)")
               : std::move(error);
}

std::string words_of(const CommandAnswer& answer)
{
    constexpr std::size_t longest = 500;
    return printable(trimmed(answer.complaint.empty() ? answer.out : answer.complaint).substr(0, longest));
}

Error restic_says(std::string_view what, const CommandAnswer& answer)
{
    return Error{ErrorCode::refused,
                 std::string{what},
                 words_of(answer),
                 std::nullopt,
                 "the password comes from --password-file or RESTIC_PASSWORD, keys of a cloud from restic's own "
                 "variables",
                 {}};
}

Result<CommandAnswer> ask(const std::vector<std::string>& command, CommandRunner& runner, const RunContext& context)
{
    auto answer = runner.run(command, context);
    return answer.has_value() ? std::move(answer) : Result<CommandAnswer>{no_restic(std::move(answer).error())};
}

} // namespace

Result<std::optional<std::string>> restic_unreachable(const BackupCopy& copy, CommandRunner& runner,
                                                      const RunContext& context)
{
    const auto answer = ask(restic(copy, {"cat", "config"}), runner, context);
    if (!answer.has_value()) {
        return answer.error().code == ErrorCode::cancelled
                   ? Result<std::optional<std::string>>{answer.error()}
                   : std::optional{answer.error().what + ": " + answer.error().hint};
    }
    return answer->exit_code == 0 ? std::nullopt : std::optional{"restic says: " + words_of(*answer)};
}

Result<> restic_backup(const std::filesystem::path& case_folder, BackupCopy& copy, CommandRunner& runner,
                       const RunContext& context)
{
    if (SALVAGE_TRY(restic_unreachable(copy, runner, context))) {
        const auto made = SALVAGE_TRY(ask(restic(copy, {"init"}), runner, context));
        if (made.exit_code != 0) {
            return restic_says("restic can neither open nor make the repository", made);
        }
    }
    const auto own = (case_folder / "backups").string();
    const auto answer = SALVAGE_TRY(
        ask(restic(copy, {"backup", "--quiet", "--json", "--tag", "salvage", "--exclude", own, case_folder.string()}),
            runner, context));
    if (answer.exit_code != 0) {
        return restic_says("restic did not copy all of the case", answer);
    }
    std::string_view text = answer.out;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        if (const auto json = parse_object(line); json && get_text(*json, "message_type") == "summary") {
            copy.files = get_number(*json, "total_files_processed").value_or(0);
            copy.bytes = ByteCount{get_number(*json, "total_bytes_processed").value_or(0)};
            return {};
        }
        text.remove_prefix(std::min(text.size(), line.size() + 1));
    }
    return restic_says("restic did not say that it made a snapshot", answer);
}

Result<std::vector<BackupMismatch>> restic_check(const BackupCopy& copy, BackupPart part, CommandRunner& runner,
                                                 const RunContext& context)
{
    const auto subset =
        part.of == 1 ? std::string{"--read-data"} : fmt::format("--read-data-subset={}/{}", part.number, part.of);
    const auto answer = SALVAGE_TRY(ask(restic(copy, {"check", subset}), runner, context));
    std::vector<BackupMismatch> out;
    if (answer.exit_code != 0) {
        out.push_back({.copy = copy.target.address,
                       .path = {},
                       .range = {},
                       .code = "restic",
                       .first_difference = {},
                       .text = "restic check says: " + words_of(answer)});
    }
    return out;
}

} // namespace salvage::rescue
