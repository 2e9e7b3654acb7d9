// serve: the whole rescue in a browser, on this computer alone.
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "options.hpp"
#include "salvage/rescue/case_searches.hpp"
#include "verbs.hpp"
#include "web/server.hpp"

namespace salvage::cli {
namespace {

struct ServeOptions {
    DumpOptions dump;
    SecretOptions secret;
    std::string case_folder;
    std::string statement;
    std::uint16_t port{0};
    std::vector<std::string> search;
    std::string words;
    bool is_restore{false};
    std::string session;
};

Result<> run_serve(const ServeOptions& options, Session& session)
{
    session.is_quiet = true; // progress is on the page
    const auto context = session.context();
    web::ServeRequest request{.port = options.port,
                              .version = SALVAGE_VERSION,
                              .case_folder = options.case_folder,
                              .statement = options.statement,
                              .on_link = [&session](const std::string& link) { session.print(link + "\n"); }};
    if (!options.dump.dump.empty()) {
        request.dump = options.dump.request();
    }
    request.secrets = SALVAGE_TRY(options.secret.request(session));
    request.search = {.attacks = options.search, .words = options.words};
    SALVAGE_TRY(web::serve(std::move(request), context));
    return {};
}

} // namespace

void add_serve(CLI::App& app, Session& session)
{
    auto& command =
        verb(app, "serve", "the rescue in a browser: prints a link for it; Ctrl-C ends it and loses nothing",
             "salvage serve\n  salvage serve phone.img\n  salvage serve my-case --port 8080");
    const auto options = std::make_shared<ServeOptions>();
    options->dump.add_to(command);
    command.get_option("dump")->required(false)->description(
        "case, dump or partition image to open at once (default: the start page)");
    options->secret.add_to(command);
    command.add_option("--case", options->case_folder, "case folder (default: NAME.case beside the dump)");
    command.add_option("--statement", options->statement,
                       "by what right you open this phone; the page asks where it is not given");
    command.add_option("--port", options->port, "port of 127.0.0.1 (default: a free one)");
    std::vector<std::string> attacks;
    for (const auto& attack : rescue::named_attacks()) {
        attacks.emplace_back(attack.id);
    }
    command
        .add_option("--search", options->search,
                    "begin this search at once, or go on with it: " + fmt::format("{}", fmt::join(attacks, ", ")))
        ->delimiter(',')
        ->check(CLI::IsMember(attacks));
    command.add_option("--words", options->words, "word list of the search for words");
    // As crack --restore repeats the command that a session keeps; the session lies in the case.
    command.add_flag("--restore", options->is_restore)->group("");
    command.add_option("--session", options->session)->group("");
    add_output_options(command, session);
    on_chosen(command, session, options, run_serve);
}

} // namespace salvage::cli
