// backup: add, verify, status, repair.
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "options.hpp"
#include "salvage/render/backup.hpp"
#include "salvage/rescue/backup.hpp"
#include "verbs.hpp"

namespace salvage::cli {
namespace {

/// restic reads for hours and says nothing meanwhile.
constexpr std::chrono::hours restic_patience{24 * 14};

struct BackupOptions {
    std::string folder;
    std::string target;
    std::string medium;
    std::string place;
    std::string password_file;
    std::string part;
};

Result<> tell(Session& session, const rescue::BackupReport& report, Exit otherwise = Exit::done)
{
    session.print(session.is_json ? render::json(report) : render::text(report, session.out_style()));
    session.finish(static_cast<int>(report.is_sound() ? otherwise : Exit::mismatch));
    return {};
}

Result<> run_add(const BackupOptions& options, Session& session)
{
    rescue::BackupAddRequest request{.case_folder = options.folder, .target = rescue::backup_target_of(options.target)};
    request.target.medium = options.medium;
    request.target.place = options.place;
    if (!options.password_file.empty()) { // whoever checks the copy may do so from another folder
        request.target.password_file = std::filesystem::absolute(options.password_file).string();
    }
    const auto runner = rescue::make_command_runner(restic_patience);
    const auto context = session.context();
    return tell(session, SALVAGE_TRY(rescue::add_backup(request, *runner, context)));
}

Result<> run_verify(const BackupOptions& options, Session& session)
{
    const auto part =
        options.part.empty() ? rescue::BackupPart{} : SALVAGE_TRY(rescue::parse_backup_part(options.part));
    const auto runner = rescue::make_command_runner(restic_patience);
    const auto context = session.context();
    const auto report = SALVAGE_TRY(rescue::verify_backups(options.folder, part, *runner, context));
    return tell(session, report, report.copies_read == 0 ? Exit::not_found : Exit::done);
}

Result<> run_status(const BackupOptions& options, Session& session)
{
    const auto context = session.context();
    return tell(session, SALVAGE_TRY(rescue::backup_status(options.folder, context)));
}

Result<> run_repair(const BackupOptions& options, Session& session)
{
    const auto context = session.context();
    return tell(session, SALVAGE_TRY(rescue::repair_backups(options.folder, context)));
}

std::shared_ptr<BackupOptions> add_one(CLI::App& command, Session& session,
                                       Result<> (*work)(const BackupOptions&, Session&))
{
    auto options = std::make_shared<BackupOptions>();
    command.add_option("case", options->folder, "case folder")->required();
    add_output_options(command, session);
    on_chosen(command, session, options, work);
    return options;
}

void add_add(CLI::App& app, Session& session)
{
    auto& command = verb(app, "add", "copies the case, or what is new in it, and reads all of it back",
                         "salvage backup add my-case /media/stick/phone --medium stick --place \"at my sister's\"\n  "
                         "salvage backup add my-case restic:sftp:host:/srv/phone --medium cloud --place host "
                         "--password-file key");
    const auto options = add_one(command, session, run_add);
    command.add_option("target", options->target, "folder on a mounted medium, or restic:REPOSITORY")->required();
    command.add_option("--medium", options->medium, "what it lies on: disk, where nothing was said before")
        ->check(CLI::IsMember({"disk", "stick", "tape", "cloud"}));
    command.add_option("--place", options->place, "where that is kept, if not where the case is");
    command.add_option("--password-file", options->password_file, "file with the repository's password, for restic");
}

} // namespace

void add_backup(CLI::App& app, Session& session)
{
    auto& command = verb(app, "backup", "copies of a case in other places: add, verify, status, repair",
                         "salvage backup status my-case");
    command.require_subcommand(1);
    add_add(command, session);
    const auto verify =
        add_one(cli::verb(command, "verify", "reads every copy and holds it against the hashes taken when it was made",
                          "salvage backup verify my-case --part 3/30"),
                session, run_verify);
    command.get_subcommand("verify")->add_option("--part", verify->part,
                                                 "the n-th of m parts: 3/30; all m of them are a full check");
    add_one(cli::verb(command, "status", "how far from three copies on two media, one of them elsewhere",
                      "salvage backup status my-case"),
            session, run_status);
    add_one(cli::verb(command, "repair", "checks all copies and writes right pieces over wrong ones",
                      "salvage backup repair my-case"),
            session, run_repair);
}

} // namespace salvage::cli
