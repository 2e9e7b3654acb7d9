// salvage: arguments in, reports out.
#include <exception>
#include <new>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "session.hpp"
#include "verbs.hpp"

namespace salvage::cli {

CLI::App& verb(CLI::App& app, const std::string& name, const std::string& description, const std::string& example)
{
    auto& out = *app.add_subcommand(name, description);
    out.footer("Example:\n  " + example);
    return out;
}

namespace {

constexpr const char* exit_codes =
    "Exit codes: 0 done, 1 looked and did not find, 2 wrong usage, 3 input damaged or unsupported, "
    "4 I/O, 5 stopped and resumable,\n6 needs the phone's own key, 7 verification mismatch, 70 bug.  "
    "crack, as hashcat: 0 found, 1 exhausted, 2 stopped,\n3 stopped at a checkpoint, 4 out of time, 255 error.\n"
    "Dumps are only ever read.  Nothing is overwritten.  Nothing is sent anywhere.";

int run(int argc, char** argv)
{
    Session session;
    session.command.assign(argv + 1, argv + argc);
    CLI::App app{"Gets your data back from an encrypted Android phone that no longer boots.", "salvage"};
    app.require_subcommand(1);
    app.set_version_flag("--version", SALVAGE_VERSION);
    app.footer(exit_codes);
    add_demo(app, session);
    add_rescue(app, session);
    add_case(app, session);
    add_backup(app, session);
    add_inspect(app, session);
    add_layout(app, session);
    add_find(app, session);
    add_hex(app, session);
    add_footer(app, session);
    add_split(app, session);
    add_crack(app, session);
    add_keyspace(app, session);
    add_decrypt(app, session);
    add_ls(app, session);
    add_cat(app, session);
    add_export(app, session);
    add_extract(app, session);
    add_carve(app, session);
    add_convert(app, session);
#ifdef SALVAGE_HAS_FUSE
    add_mount(app, session);
#endif
#ifdef SALVAGE_HAS_WEB
    add_serve(app, session);
#endif
    add_read(app, session);
    add_restore(app, session);
    add_phone(app, session);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : static_cast<int>(Exit::usage);
    }
    return session.exit_code();
}

} // namespace
} // namespace salvage::cli

int main(int argc, char** argv)
{
    try {
        return salvage::cli::run(argc, argv);
    } catch (const std::bad_alloc&) {
        fmt::print(stderr, "salvage: error: out of memory\n");
        return static_cast<int>(salvage::cli::Exit::io);
    } catch (const std::exception& error) {
        fmt::print(stderr, "salvage: error: a fault of this program: {}\n", error.what());
        return static_cast<int>(salvage::cli::Exit::bug);
    }
}
