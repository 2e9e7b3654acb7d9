// inspect, layout, find, hex, footer: looking, never writing.
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "options.hpp"
#include "recorded.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/render/html.hpp"
#include "salvage/rescue/crack.hpp"
#include "salvage/rescue/inspect.hpp"
#include "salvage/rescue/layout.hpp"
#include "salvage/rescue/look.hpp"
#include "verbs.hpp"

namespace salvage::cli {
namespace {

struct InspectOptions {
    DumpOptions dump;
    SecretOptions secret;
    std::string page;
};

/// Before the long pass: what is there is not written over, and a folder that is missing is told now.
Result<> check_page(const std::filesystem::path& page)
{
    std::error_code ignored;
    if (std::filesystem::exists(std::filesystem::symlink_status(page, ignored))) {
        return Error{ErrorCode::already_exists,       fmt::format("{} exists", page.string()),
                     "nothing is overwritten",        std::nullopt,
                     "name another file with --html", {}};
    }
    const auto folder = page.has_parent_path() ? page.parent_path() : std::filesystem::path{"."};
    if (!std::filesystem::is_directory(folder, ignored)) {
        return not_found(fmt::format("{} is no folder", folder.string()), "the page cannot be written there",
                         "make the folder, or name another file with --html");
    }
    return {};
}

Result<> run_inspect(const InspectOptions& options, Session& session)
{
    const auto context = session.context();
    const auto request = SALVAGE_TRY(options.secret.request(session));
    if (!options.page.empty()) {
        SALVAGE_TRY(check_page(options.page));
    }
    const auto dump = SALVAGE_TRY(rescue::open_dump(options.dump.request()));
    const auto report = SALVAGE_TRY(rescue::inspect(dump, request, context));
    if (!options.page.empty()) {
        const auto page = render::html(report, {.written = context.clock->wall_time(), .version = SALVAGE_VERSION});
        SALVAGE_TRY(io::write_file_atomically(options.page, as_bytes(page), io::Existing::refuse));
    }
    show(session, report);
    session.finish(rescue::exit_code(report.outcome.verdict.code));
    return {};
}

Outputs outputs(const InspectOptions& options)
{
    return outputs_at({options.page});
}

struct FooterOptions {
    DumpOptions dump;
    SecretOptions secret;
    bool is_line_asked{false};
};

Result<> print_hash_lines(const rescue::Dump& dump, const RunContext& context, Session& session)
{
    const auto search = SALVAGE_TRY(rescue::find_footers(dump, context));
    for (const auto& found : search.footers) {
        session.print(SALVAGE_TRY(rescue::hash_line_of(dump, found)) + "\n");
    }
    session.finish(search.footers.empty() ? static_cast<int>(Exit::not_found) : 0);
    return {};
}

Result<> run_footer(const FooterOptions& options, Session& session)
{
    const auto context = session.context();
    const auto request = SALVAGE_TRY(options.secret.request(session));
    const auto dump = SALVAGE_TRY(rescue::open_dump(options.dump.request()));
    if (options.is_line_asked) {
        return print_hash_lines(dump, context, session);
    }
    const auto report = SALVAGE_TRY(rescue::inspect_footers(dump, request, context));
    show(session, report);
    session.finish(report.search.footers.empty() ? static_cast<int>(Exit::not_found) : 0);
    return {};
}

struct LayoutOptions {
    std::vector<std::string> files;
    std::vector<std::string> where;
};

Result<> run_layout(const LayoutOptions& options, Session& session)
{
    const auto layout = SALVAGE_TRY(rescue::read_layout({options.files.begin(), options.files.end()}));
    if (options.where.empty()) {
        show(session, layout);
        return {};
    }
    const auto named = SALVAGE_TRY(rescue::name_offsets(layout, options.where));
    show(session, named);
    return {};
}

struct FindOptions {
    DumpOptions dump;
    rescue::FindRequest request;
};

Result<> run_find(const FindOptions& options, Session& session)
{
    const auto context = session.context();
    const auto dump = SALVAGE_TRY(rescue::open_dump(options.dump.request()));
    const auto report = SALVAGE_TRY(rescue::find(dump, options.request, context));
    show(session, report);
    session.finish(report.hits.empty() ? static_cast<int>(Exit::not_found) : 0);
    return {};
}

struct HexOptions {
    DumpOptions dump;
    std::string where{"0"};
    std::string length{"512"};
};

// A page a person reads; more than a MiB of hex helps nobody.
constexpr std::uint64_t max_hex_length = 1U << 20U;

Result<> run_hex(const HexOptions& options, Session& session)
{
    const auto length = SALVAGE_TRY(parse_quantity(options.length));
    if (length > max_hex_length) {
        return invalid_argument("that is too much to show", "at most 1 MiB of hex is shown at once",
                                "cut it out with: salvage split");
    }
    const auto dump = SALVAGE_TRY(rescue::open_dump(options.dump.request()));
    const auto report = SALVAGE_TRY(rescue::hex(dump, options.where, ByteCount{length}));
    show(session, report);
    return {};
}

} // namespace

void add_inspect(CLI::App& app, Session& session)
{
    auto& command = verb(app, "inspect", "what is in a dump, whether it is whole, and whether it can be opened",
                         "salvage inspect phone.img\n  salvage inspect phone.img --html phone.html");
    const auto options = std::make_shared<InspectOptions>();
    options->dump.add_to(command);
    options->secret.add_to(command);
    command.add_option("--html", options->page,
                       "also write the report as one page for a browser or for paper, with the map; nothing is "
                       "overwritten");
    add_output_options(command, session);
    on_chosen_recorded(command, session, options, run_inspect, outputs);
}

void add_footer(CLI::App& app, Session& session)
{
    auto& command =
        verb(app, "footer", "decode the crypto footer of a dump, a partition, a carved block or a pasted hex dump",
             "salvage footer metadata.img\n  hexdump -C metadata.img | head -40 > block.txt; salvage footer block.txt");
    const auto options = std::make_shared<FooterOptions>();
    options->dump.add_to(command);
    options->secret.add_to(command);
    command.add_flag(
        "--hash-line", options->is_line_asked,
        "print each footer as one line that crack takes on another machine; hashcat and john too, where they "
        "know the kind");
    add_output_options(command, session);
    on_chosen(command, session, options, run_footer);
}

void add_layout(CLI::App& app, Session& session)
{
    auto& command =
        verb(app, "layout", "partition table of a dump, GPT/PMT/MBR/EBR dump, scatter or fstab; several are reconciled",
             "salvage layout phone.img MT6750_Android_scatter.txt\n  salvage layout phone.img --at 62685220");
    const auto options = std::make_shared<LayoutOptions>();
    command.add_option("files", options->files, "dumps, tables, scatter files, fstab files")->required();
    command.add_option("--at", options->where, "name an offset: 62685220, 0x3bc8024, 512s, 32MiB, metadata+0x24");
    add_output_options(command, session);
    on_chosen(command, session, options, run_layout);
}

void add_find(CLI::App& app, Session& session)
{
    auto& command = verb(
        app, "find", "signatures (crypto footers, filesystems, images), or any text or bytes, with place and meaning",
        "salvage find phone.img\n  salvage find phone.img aes-cbc-essiv:sha256\n  salvage find phone.img --hex "
        "c4b1b5d0");
    const auto options = std::make_shared<FindOptions>();
    options->dump.add_to(command);
    command.add_option("text", options->request.text, "text to look for; signatures where none is given");
    command.add_flag("--hex", options->request.is_hex, "the text is hex bytes");
    command.add_option("--max-hits", options->request.max_hits, "list at most so many a pattern")
        ->capture_default_str();
    add_output_options(command, session);
    on_chosen(command, session, options, run_find);
}

void add_hex(CLI::App& app, Session& session)
{
    auto& command = verb(app, "hex", "hex view with the fields of a known structure named",
                         "salvage hex phone.img metadata+0x24 --length 256");
    const auto options = std::make_shared<HexOptions>();
    options->dump.add_to(command);
    command.add_option("where", options->where, "62685220, 0x3bc8024, 512s, 32MiB, metadata+0x24")
        ->capture_default_str();
    command.add_option("-n,--length", options->length, "bytes to show")->capture_default_str();
    add_output_options(command, session);
    on_chosen(command, session, options, run_hex);
}

} // namespace salvage::cli
