// carve: files of unused areas by their own structure.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "file_kinds.hpp"
#include "opened_files.hpp"
#include "options.hpp"
#include "recorded.hpp"
#include "salvage/render/carve.hpp"
#include "salvage/rescue/carve.hpp"
#include "verbs.hpp"
#ifdef SALVAGE_HAS_FUSE
#include "shown_by_fuse.hpp"
#endif

namespace salvage::cli {
namespace {

struct CarveVerb {
    DumpOptions dump;
    SecretOptions secret;
    std::string out;
    std::vector<std::string> kinds;
    bool is_raw{false};
    bool is_everything{false};
};

/// Without a copy where FUSE is permitted, with one elsewhere.
rescue::ShowSource show_for(Session& session)
{
    return [&session](const io::SourcePtr& source, const std::filesystem::path& folder,
                      const RunContext& context) -> Result<std::unique_ptr<rescue::ShownSource>> {
#ifdef SALVAGE_HAS_FUSE
        auto shown = show_by_fuse(source, folder, context);
        if (shown.has_value()) {
            return shown;
        }
        session.say(render::text(std::move(shown).error().in("FUSE would save a copy"), session.err_style()));
#endif
        session.say("the unused areas are copied beside the results until PhotoRec is done\n");
        return rescue::show_as_copy(source, folder, context);
    };
}

struct Searches {
    std::vector<rescue::CarveSearch> list;
    std::string identity;
};

Result<Searches> searches_of(const CarveVerb& options, Session& session, const RunContext& context)
{
    if (options.is_raw) {
        const auto dump = SALVAGE_TRY(rescue::open_dump(options.dump.request()));
        return Searches{.list = SALVAGE_TRY(rescue::raw_carve_searches(dump)),
                        .identity = fmt::format("{}; {} bytes; raw", dump.path, dump.source->size().value)};
    }
    const auto opened = SALVAGE_TRY(open_or_ask(options.dump, options.secret, session, context));
    return Searches{.list = SALVAGE_TRY(rescue::carve_searches(opened)), .identity = identity_of(opened)};
}

Result<> run_carve(const CarveVerb& options, Session& session)
{
    const auto context = session.context();
    const auto searches = SALVAGE_TRY(searches_of(options, session, context));
    rescue::CarveOptions wanted{
        .kinds = {}, .is_everything = options.is_everything, .source_identity = searches.identity};
    for (const auto& name : options.kinds) {
        wanted.kinds.push_back(SALVAGE_TRY(file_kind_from(name)));
    }
    const auto runner = rescue::make_command_runner(std::chrono::hours{24 * 365});
    const auto report =
        SALVAGE_TRY(rescue::carve(searches.list, options.out, wanted, show_for(session), *runner, context));
    session.print(session.is_json ? render::json(report) : render::text(report, session.out_style()));
    const bool is_empty = std::ranges::all_of(report.parts, [](const auto& part) { return part.files == 0; });
    session.finish(is_empty ? static_cast<int>(Exit::not_found) : 0);
    return {};
}

Outputs outputs(const CarveVerb& options)
{
    return outputs_at({options.out});
}

} // namespace

void add_carve(CLI::App& app, Session& session)
{
    auto& command = verb(app, "carve", "find photos, videos, databases … in unused areas by their own structure",
                         "salvage carve phone.img -o carved --ask\n  salvage carve phone.img --raw -o carved");
    const auto options = std::make_shared<CarveVerb>();
    options->dump.add_to(command);
    command.add_option("-o,--out", options->out, "target folder: new, empty, or one of an interrupted carving")
        ->required();
    command.add_flag("--raw", options->is_raw,
                     "all of userdata as it is on the flash, undeciphered: needs no secret, finds what was never "
                     "encrypted");
    add_kind_option(command, options->kinds);
    command.add_flag("--everything", options->is_everything,
                     "every form that PhotoRec knows; some of them fit noise, too");
    add_output_options(command, session);
    options->secret.add_to(command);
    on_chosen_recorded(command, session, options, run_carve, outputs);
}

} // namespace salvage::cli
