// mount: what is in a dump as files and folders, until Ctrl-C.
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "fuse/mount.hpp"
#include "fuse/tree.hpp"
#include "options.hpp"
#include "salvage/core/text.hpp"
#include "salvage/filesystem/deleted_tree.hpp"
#include "salvage/rescue/open_volume.hpp"
#include "verbs.hpp"

namespace salvage::cli {
namespace {

struct MountVerbOptions {
    DumpOptions dump;
    SecretOptions secret;
    std::string at;
    bool no_userdata{false};
    bool is_for_everyone{false};
};

/// Beyond this a damaged dump would only fill the screen.
constexpr unsigned max_problems = 50;

struct Opened {
    rescue::Dump dump;
    std::shared_ptr<const rescue::OpenedVolume> volume; ///< null with --no-userdata
};

Result<Opened> open_parts(const MountVerbOptions& options, Session& session, const RunContext& context)
{
    if (options.no_userdata) {
        return Opened{.dump = SALVAGE_TRY(rescue::open_dump(options.dump.request())), .volume = {}};
    }
    auto opened = SALVAGE_TRY(open_or_ask(options.dump, options.secret, session, context));
    return Opened{.dump = std::move(opened.dump), .volume = std::move(opened.outcome.volume)};
}

/// A filesystem that is not understood leaves userdata.img, and that may be what is wanted.
std::shared_ptr<const filesystem::FileSystem> open_files(const rescue::OpenedVolume& volume, Session& session)
{
    auto files = filesystem::open(fuse::make_small_reads_cached(volume.plain));
    if (!files.has_value()) {
        session.say(render::text(std::move(files).error().in("opening the filesystem; files/ will not be there"),
                                 session.err_style()));
        return nullptr;
    }
    for (const auto& finding : (*files)->findings()) {
        session.say(fmt::format("{}: {}\n", to_string(finding.severity), printable(finding.text)));
    }
    return *std::move(files);
}

fuse::Owner owner_of(const std::string& dump)
{
    fuse::Owner out{.uid = ::getuid(), .gid = ::getgid(), .modified = {}};
    struct stat status{};
    if (::stat(dump.c_str(), &status) == 0) {
        out.modified = {.seconds = status.st_mtim.tv_sec,
                        .nanoseconds = static_cast<std::uint32_t>(status.st_mtim.tv_nsec)};
    }
    return out;
}

fuse::MountEvents events_for(const MountVerbOptions& options, Session& session)
{
    const auto at = options.at;
    return {.on_ready =
                [&session, at] {
                    session.print(at + "\n");
                    session.say(
                        fmt::format("mounted, read-only; Ctrl-C or `fusermount3 -u {}` unmounts it\n", printable(at)));
                },
            .on_problem =
                [&session, told = 0U](const Error& error) mutable {
                    if (++told <= max_problems) {
                        session.say(render::text(error, session.err_style()));
                    }
                    if (told == max_problems) {
                        session.say("further losses are not told; the programs that meet them see EIO\n");
                    }
                }};
}

Result<> run_mount(const MountVerbOptions& options, Session& session)
{
    SALVAGE_TRY(fuse::check_mount_point(options.at));
    const auto context = session.context();
    const auto opened = SALVAGE_TRY(open_parts(options, session, context));
    fuse::Content content{.userdata = opened.volume ? opened.volume->plain : nullptr,
                          .partitions = rescue::partition_devices(opened.dump),
                          .files = opened.volume ? open_files(*opened.volume, session) : nullptr,
                          .deleted = {}};
    if (content.files) {
        content.deleted = filesystem::make_deleted_tree(content.files, context);
    }
    const fuse::Tree tree{std::move(content), owner_of(opened.dump.path)};
    return fuse::mount_and_serve(
        tree, {.at = options.at, .name = opened.dump.path, .is_for_everyone = options.is_for_everyone},
        events_for(options, session), context.stop);
}

} // namespace

void add_mount(CLI::App& app, Session& session)
{
    auto& command = verb(app, "mount", "show partitions, userdata and its files in a folder, read-only, until Ctrl-C",
                         "mkdir phone && salvage mount phone.img phone --ask");
    const auto options = std::make_shared<MountVerbOptions>();
    options->dump.add_to(command);
    command.add_option("folder", options->at, "an empty folder to mount in")->required();
    command.add_flag("--no-userdata", options->no_userdata, "only the partitions as they are: no secret is needed");
    command.add_flag("--allow-other", options->is_for_everyone,
                     "other users of this machine may look, too (not root: needs user_allow_other in /etc/fuse.conf)");
    command.add_flag("-q,--quiet", session.is_quiet, "no talk on standard error");
    options->secret.add_to(command);
    on_chosen(command, session, options, run_mount);
}

} // namespace salvage::cli
