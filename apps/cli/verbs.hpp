// The verbs.  Each declares its options and what to do; the work is in rescue, the words in render.
#pragma once

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "session.hpp"

namespace salvage::cli {

void add_demo(CLI::App& app, Session& session);
void add_rescue(CLI::App& app, Session& session);
void add_case(CLI::App& app, Session& session);
void add_backup(CLI::App& app, Session& session);
void add_inspect(CLI::App& app, Session& session);
void add_layout(CLI::App& app, Session& session);
void add_find(CLI::App& app, Session& session);
void add_hex(CLI::App& app, Session& session);
void add_footer(CLI::App& app, Session& session);
void add_restore(CLI::App& app, Session& session);
void add_split(CLI::App& app, Session& session);
void add_crack(CLI::App& app, Session& session);
void add_keyspace(CLI::App& app, Session& session);
void add_decrypt(CLI::App& app, Session& session);
void add_ls(CLI::App& app, Session& session);
void add_cat(CLI::App& app, Session& session);
void add_export(CLI::App& app, Session& session);
void add_extract(CLI::App& app, Session& session);
void add_carve(CLI::App& app, Session& session);
void add_convert(CLI::App& app, Session& session);
void add_read(CLI::App& app, Session& session);
void add_phone(CLI::App& app, Session& session);
void add_serve(CLI::App& app, Session& session); ///< where cpp-httplib and the page were found: SALVAGE_HAS_WEB
void add_mount(CLI::App& app, Session& session); ///< where libfuse3 was found: SALVAGE_HAS_FUSE

/// A verb with its one-line description and an example under its --help.
[[nodiscard]] CLI::App& verb(CLI::App& app, const std::string& name, const std::string& description,
                             const std::string& example);

/// Runs `work` when the verb was chosen and reports its error.
template <typename Options>
void on_chosen(CLI::App& app, Session& session, const std::shared_ptr<Options>& options,
               Result<> (*work)(const Options&, Session&))
{
    app.callback([&session, options, work] {
        if (const auto done = work(*options, session); !done.has_value()) {
            session.fail(done.error());
        }
    });
}

} // namespace salvage::cli
