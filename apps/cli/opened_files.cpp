#include "opened_files.hpp"

#include <cerrno>

#include <fmt/format.h>
#include <unistd.h>

#include "salvage/core/text.hpp"
#include "salvage/filesystem/deleted_tree.hpp"

namespace salvage::cli {

Result<OpenedFiles> open_filesystem(const DumpOptions& dump, const SecretOptions& secret, Session& session,
                                    const RunContext& context, WhichFiles which)
{
    OpenedFiles out{.opened = SALVAGE_TRY(open_or_ask(dump, secret, session, context)), .files = {}};
    out.files = SALVAGE_TRY(rescue::open_files(*out.opened.outcome.volume));
    session.outcome.findings = out.files->findings();
    for (const auto& finding : session.outcome.findings) {
        session.say(fmt::format("{}: {}\n", to_string(finding.severity), printable(finding.text)));
    }
    if (which == WhichFiles::deleted) {
        out.files = filesystem::make_deleted_tree(out.files, context);
    }
    return out;
}

void add_deleted_flag(CLI::App& command, bool& is_deleted)
{
    command.add_flag("--deleted", is_deleted,
                     "what was deleted and is still held by the filesystem, instead of the live files");
}

std::string identity_of(const rescue::OpenedDump& opened)
{
    const auto& volume = *opened.outcome.volume;
    return fmt::format("{}; {} bytes; {}", opened.dump.path, opened.dump.source->size().value, volume.how);
}

Result<> write_to_stdout(ByteView bytes)
{
    while (!bytes.empty()) {
        const auto written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return from_errno(errno, "standard output cannot be written", "-");
        }
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

} // namespace salvage::cli
