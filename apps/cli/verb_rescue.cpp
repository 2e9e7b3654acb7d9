// rescue and demo: the main job, on your phone or on a sample one.
#include <array>
#include <memory>

#include <fmt/format.h>

#include "opened_files.hpp"
#include "options.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/render/case.hpp"
#include "salvage/render/extract.hpp"
#include "salvage/render/html.hpp"
#include "salvage/rescue/case_run.hpp"
#include "salvage/rescue/case_verify.hpp"
#include "salvage/rescue/extract.hpp"
#include "salvage/rescue/open_volume.hpp"
#include "salvage/rescue/rescue.hpp"
#include "salvage/rescue/sample_phone.hpp"
#include "salvage/rescue/secrets.hpp"
#include "verbs.hpp"

namespace salvage::cli {
namespace {

struct RescueOptions {
    DumpOptions dump;
    SecretOptions secret;
    std::string case_folder;
    std::string statement;
    bool no_split{false};
    unsigned search_seconds{60};
};

std::filesystem::path default_case(const std::string& dump)
{
    auto name = std::filesystem::path{dump}.filename().string();
    return name + ".case";
}

/// The report beside the data it speaks of, for people and for programs.  A rerun replaces it.
Result<> write_reports(rescue::RescueReport& report, Clock& clock)
{
    const std::filesystem::path folder{report.case_folder};
    report.report_path = (folder / "report.txt").string();
    report.page_path = (folder / "report.html").string();
    const render::PageRun run{.written = clock.wall_time(), .version = SALVAGE_VERSION};
    const std::array<rescue::CaseDocument, 3> documents{
        rescue::CaseDocument{.name = "report.html", .content = render::html(report, run)},
        rescue::CaseDocument{.name = "report.json", .content = render::json(report)},
        rescue::CaseDocument{.name = "report.txt", .content = render::text(report, {})}};
    return rescue::add_to_case(folder, documents, clock).in("writing the report");
}

Result<> run_rescue(const RescueOptions& options, Session& session)
{
    const auto context = session.context();
    rescue::RescueRequest request{.dump = options.dump.request(),
                                  .open = SALVAGE_TRY(options.secret.request(session)),
                                  .case_folder = options.case_folder.empty()
                                                     ? default_case(options.dump.dump)
                                                     : std::filesystem::path{options.case_folder},
                                  .statement = options.statement,
                                  .split = !options.no_split,
                                  .search_time = std::chrono::seconds{options.search_seconds},
                                  .invocation = invocation_of(session)};
    if (request.statement.empty() && !std::filesystem::exists(request.case_folder / "case.json")) {
        request.statement =
            session.ask_line("By what right do you open this phone (goes into the case log, nowhere else)? ");
    }
    auto report = SALVAGE_TRY(rescue::rescue(request, context));
    SALVAGE_TRY(write_reports(report, *context.clock));
    show(session, report);
    session.finish(rescue::exit_code(report.inspect.outcome.verdict.code));
    return {};
}

struct DemoOptions {
    std::string folder{"salvage-demo"};
};

void tell(Session& session, std::string_view text)
{
    session.print(fmt::format("\n{}\n", text));
}

Result<> check_folder(const std::filesystem::path& folder)
{
    if (std::filesystem::exists(folder) && !std::filesystem::is_empty(folder)) {
        return Error{ErrorCode::already_exists,
                     fmt::format("the folder {} is not empty", folder.string()),
                     "nothing is overwritten",
                     std::nullopt,
                     "remove it, or name another one: salvage demo DIR",
                     {}};
    }
    std::error_code problem;
    std::filesystem::create_directories(folder, problem);
    return problem ? Result<>{from_errno(problem.value(), "the folder cannot be made", folder.string())} : Result<>{};
}

/// Whether every file came out as it was put in; says which did not.
Result<> compare(const rescue::SamplePhone& phone, const rescue::RescueReport& report, Session& session)
{
    std::uint64_t equal = 0;
    std::uint64_t expected = 0;
    for (const auto& file : phone.files) {
        if (file.type != rescue::ExpectedFile::Type::regular) {
            continue;
        }
        ++expected;
        const auto path = report.files_path + file.path;
        const auto sum = rescue::sha256_of_file(path);
        if (sum.has_value() && *sum == file.sha256) {
            ++equal;
        } else {
            session.print(fmt::format("differs: {}\n", printable(path)));
        }
    }
    tell(session, fmt::format("Compared with what was put onto the phone: {} of {} files are equal, byte for byte.",
                              equal, expected));
    if (equal != expected) {
        return Error{ErrorCode::mismatch,
                     "the demo did not bring back every file",
                     fmt::format("{} of {} are equal", equal, expected),
                     std::nullopt,
                     {},
                     {}};
    }
    return {};
}

/// Photos, contacts and messages out of the opened phone, with the secret that the search has found.
Result<> extract_for_demo(const rescue::DumpRequest& dump, const std::filesystem::path& folder, Session& session,
                          const RunContext& context)
{
    rescue::SecretFiles found;
    found.secrets = {folder / "case" / "secret.bin"};
    const auto secret = SALVAGE_TRY(rescue::read_secret_files(found));
    const auto opened = SALVAGE_TRY(rescue::open_for_reading(dump, secret, context));
    const auto files = SALVAGE_TRY(rescue::open_files(*opened.outcome.volume));
    const auto out = folder / "extracted";
    auto run = SALVAGE_TRY(rescue::CaseRun::begin({.name = "extract",
                                                   .source = folder / "case",
                                                   .outputs = {{.path = out}},
                                                   .invocation = invocation_of(session)},
                                                  context));
    const rescue::ExtractRequest request{.source = opened.dump.path,
                                         .source_identity = identity_of(opened),
                                         .only = {},
                                         .system_properties = rescue::system_properties_of(opened.dump)};
    const auto pages = render::make_extract_pages();
    auto report = rescue::extract(*files, out, request, *pages, context);
    rescue::RunOutcome outcome;
    if (report.has_value()) {
        rescue::describe(*report, outcome);
    }
    SALVAGE_TRY(run.end(report.has_value() ? Result<>{} : Result<>{report.error()}, outcome, context));
    session.print(render::text(SALVAGE_TRY(std::move(report)), session.out_style()));
    return {};
}

Result<> sign_for_demo(const std::filesystem::path& folder, Session& session)
{
    const auto private_key = folder / "private.pem";
    tell(session,
         fmt::format("5. Who says so? A key made for this demo signs the log, and with it all that the log names:\n"
                     "   salvage case sign {} --key {}",
                     (folder / "case").string(), private_key.string()));
    SALVAGE_TRY(rescue::make_case_key(private_key, folder / "public.pem"));
    rescue::CaseSignRequest request{.case_folder = folder / "case", .private_key = {}, .passphrase = {}};
    request.private_key = SALVAGE_TRY(rescue::read_secret_file(private_key.string()));
    const auto done = SALVAGE_TRY(rescue::sign_case(request));
    session.print(render::text(done, session.out_style()));
    return {};
}

/// `head`: as the report printed it.
Result<> verify_for_demo(const std::filesystem::path& folder, const std::string& head, Session& session,
                         const RunContext& context)
{
    const auto public_key = folder / "public.pem";
    tell(session, fmt::format("6. Is the case as its log says? Anybody can ask again later:\n"
                              "   salvage case verify {} --key {}",
                              (folder / "case").string(), public_key.string()));
    const auto file = SALVAGE_TRY(io::open_file(public_key));
    rescue::CaseVerifyRequest request{.case_folder = folder / "case", .public_key = {}, .head = head};
    request.public_key = SALVAGE_TRY(io::read_all(*file, ByteCount{1U << 16U}));
    const auto verified = SALVAGE_TRY(rescue::verify_case(request, context));
    session.print(render::text(verified, session.out_style()));
    return verified.is_sound() && verified.is_signed_by_key.value_or(false)
               ? Result<>{}
               : Result<>{Error{
                     ErrorCode::mismatch, "the demo's case does not verify", verified.text, std::nullopt, {}, {}}};
}

Result<> run_demo(const DemoOptions& options, Session& session)
{
    const auto context = session.context();
    const std::filesystem::path folder{options.folder};
    SALVAGE_TRY(check_folder(folder));
    tell(session, "1. A phone. Android 7 on a MediaTek MT6750, encrypted, locked with a PIN; now it loops at boot.\n"
                  "   Its owner read the whole flash out. We make such a dump with stock tools (mke2fs, OpenSSL):");
    rescue::SamplePhoneSpec spec;
    spec.secret.text = "2580"; // straight down the middle of the keypad: what people choose
    const auto phone = SALVAGE_TRY(rescue::build_sample_phone(spec, folder, context).in("building the sample phone"));
    session.print(fmt::format("   {} ({}), with a scatter file from its firmware beside it\n", phone.dump.string(),
                              format_size(phone.device_size)));

    tell(session, "2. What the article's author did with grep, a hex editor and a scatter file: where is the key?");
    const rescue::DumpRequest request{
        .path = phone.dump, .layout_files = {phone.scatter}, .footer_file = {}, .map_file = {}};
    const auto dump = SALVAGE_TRY(rescue::open_dump(request));
    auto found = SALVAGE_TRY(rescue::find(dump, {.text = "aes-cbc-essiv:sha256"}, context));
    session.print(render::text(found, session.out_style()));

    tell(session, "3. The rescue: inspect, split, open, export. Nobody tells it the PIN; it tries what people choose.");
    const rescue::RescueRequest job{.dump = request,
                                    .open = {},
                                    .case_folder = folder / "case",
                                    .statement = "A sample phone made by salvage demo; it belongs to whoever runs it.",
                                    .search_time = std::chrono::minutes{10},
                                    .invocation = invocation_of(session)};
    auto report = SALVAGE_TRY(rescue::rescue(job, context));
    SALVAGE_TRY(write_reports(report, *context.clock));
    show(session, report);
    if (!report.exported) {
        return Error{ErrorCode::not_found,
                     "the sample phone was not opened",
                     "the search ended before it came to the phone's PIN",
                     std::nullopt,
                     "go on with: salvage crack " + phone.dump.string(),
                     {}};
    }
    SALVAGE_TRY(compare(phone, report, session));

    tell(session, "4. What the owner came for: photos, contacts, messages, in forms that people read.");
    SALVAGE_TRY(extract_for_demo(request, folder, session, context).in("taking out photos, contacts and messages"));
    session.print(fmt::format("\n   all files {}\n   report    {}\n             {}\n", report.files_path,
                              report.report_path, report.page_path));

    SALVAGE_TRY(sign_for_demo(folder, session).in("signing the log"));
    return verify_for_demo(folder, report.log.sha256, session, context);
}

} // namespace

void add_rescue(CLI::App& app, Session& session)
{
    auto& command = verb(
        app, "rescue", "the main job: inspect, split, open, export the files, report; goes on where it was interrupted",
        "salvage rescue phone.img -o my-case\n  salvage rescue phone.img --scatter MT6750_Android_scatter.txt --ask");
    const auto options = std::make_shared<RescueOptions>();
    options->dump.add_to(command);
    options->secret.add_to(command);
    command.add_option("-o,--out", options->case_folder, "case folder (default: NAME.case in this folder)");
    command.add_option("--statement", options->statement,
                       "by what right you open this phone; asked for once where not given, kept in the case log");
    command.add_flag("--no-split", options->no_split, "do not write one image per partition");
    command
        .add_option("--search-seconds", options->search_seconds,
                    "time for a cheap search where the secret is missing; 0: none")
        ->capture_default_str();
    add_output_options(command, session);
    on_chosen(command, session, options, run_rescue);
}

void add_demo(CLI::App& app, Session& session)
{
    auto& command =
        verb(app, "demo", "build a realistic encrypted phone dump and rescue it, telling each step", "salvage demo");
    const auto options = std::make_shared<DemoOptions>();
    command.add_option("folder", options->folder, "new or empty folder")->capture_default_str();
    on_chosen(command, session, options, run_demo);
}

} // namespace salvage::cli
