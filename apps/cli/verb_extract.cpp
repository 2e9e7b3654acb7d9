// extract: photos, contacts, messages and the rest, in forms that people read.
#include <memory>

#include <fmt/format.h>

#include "opened_files.hpp"
#include "options.hpp"
#include "recorded.hpp"
#include "salvage/render/extract.hpp"
#include "salvage/rescue/extract.hpp"
#include "verbs.hpp"

namespace salvage::cli {
namespace {

struct ExtractVerb {
    DumpOptions dump;
    SecretOptions secret;
    std::string out;
    std::vector<std::string> only;
    bool is_deleted_wanted{false};
};

Result<> run_extract(const ExtractVerb& options, Session& session)
{
    const auto context = session.context();
    const auto opened = SALVAGE_TRY(open_filesystem(options.dump, options.secret, session, context));
    const rescue::ExtractRequest request{.source = opened.opened.dump.path,
                                         .source_identity = identity_of(opened.opened),
                                         .only = options.only,
                                         .system_properties = rescue::system_properties_of(opened.opened.dump),
                                         .deleted = options.is_deleted_wanted ? rescue::DeletedRows::look_for
                                                                              : rescue::DeletedRows::leave};
    const auto pages = render::make_extract_pages();
    const auto done = SALVAGE_TRY(rescue::extract(*opened.files, options.out, request, *pages, context));
    rescue::describe(done, session.outcome);
    session.print(session.is_json ? render::json(done) : render::text(done, session.out_style()));
    session.finish(static_cast<int>(done.is_empty() ? Exit::not_found : Exit::done));
    return {};
}

Outputs outputs(const ExtractVerb& options)
{
    return outputs_at({options.out});
}

} // namespace

void add_extract(CLI::App& app, Session& session)
{
    auto& command = verb(app, "extract", "photos, contacts, messages … as files and pages that people read",
                         "salvage extract phone.img -o my-phone --ask\n"
                         "  salvage extract phone.img -o my-photos --only photos,contacts --ask");
    const auto options = std::make_shared<ExtractVerb>();
    options->dump.add_to(command);
    command
        .add_option("-o,--out", options->out,
                    "target folder: new, empty, or an extraction of the same dump; index.html in it shows everything")
        ->required();
    std::string kinds;
    for (const auto& kind : rescue::extract_kinds()) {
        kinds += (kinds.empty() ? "" : ", ") + kind;
    }
    command.add_option("--only", options->only, "only these kinds, with commas between them: " + kinds)->delimiter(',');
    command.add_flag("--deleted", options->is_deleted_wanted,
                     "also deleted messages, calls and contacts that their databases still hold: in a folder of their "
                     "own, deleted/, each with how sure that is");
    add_output_options(command, session);
    options->secret.add_to(command);
    on_chosen_recorded(command, session, options, run_extract, outputs);
}

} // namespace salvage::cli
