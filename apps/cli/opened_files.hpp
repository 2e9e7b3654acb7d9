// The files of an opened dump, for the verbs that show or take them.
#pragma once

#include <memory>
#include <string>

#include "options.hpp"
#include "salvage/filesystem/filesystem.hpp"
#include "salvage/rescue/open.hpp"

namespace salvage::cli {

/// Live files, or what is left of deleted ones.
enum class WhichFiles : bool { live, deleted };

struct OpenedFiles {
    rescue::OpenedDump opened;
    std::shared_ptr<const filesystem::FileSystem> files;
};

/// Says what was found on opening.  Errors: those of opening.
[[nodiscard]] Result<OpenedFiles> open_filesystem(const DumpOptions& dump, const SecretOptions& secret,
                                                  Session& session, const RunContext& context,
                                                  WhichFiles which = WhichFiles::live);

/// Adds --deleted, as every verb that shows or takes files has it.
void add_deleted_flag(CLI::App& command, bool& is_deleted);

/// Tells one opened volume from another: what an unfinished work belongs to.
[[nodiscard]] std::string identity_of(const rescue::OpenedDump& opened);

/// All of it.  Errors: io.
Result<> write_to_stdout(ByteView bytes);

} // namespace salvage::cli
