// restore: plan, apply, verify.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "fastboot_place.hpp"
#include "options.hpp"
#include "phone_port.hpp"
#include "recorded.hpp"
#include "salvage/core/text.hpp"
#include "salvage/device/fastboot.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/rescue/restore.hpp"
#include "verbs.hpp"

namespace salvage::cli {
namespace {

namespace fs = std::filesystem;

// A real scatter file has some 100 KB, a saved `getvar all` some 10.
constexpr ByteCount max_text{16ULL << 20U};

Result<std::string> read_text(const fs::path& path)
{
    const auto file = SALVAGE_TRY(io::open_file(path));
    const auto bytes = SALVAGE_TRY(io::read_all(*file, max_text));
    return std::string{as_text(bytes)};
}

Result<std::unique_ptr<device::FastbootLink>> connect(const std::string& text, std::chrono::seconds patience,
                                                      Session& session, const RunContext& context)
{
    const auto place = SALVAGE_TRY(parse_fastboot_host(text));
    if (place.medium == "tcp") {
        return device::connect_fastboot_tcp(place.host, place.port);
    }
    if (place.medium == "udp") {
        return device::connect_fastboot_udp(place.host, place.port);
    }
    const auto notice = [&session](std::string_view line) { session.say(fmt::format("{}\n", printable(line))); };
    return device::make_fastboot_link(SALVAGE_TRY(device::wait_for_fastboot(place.host, patience, notice, context)));
}

Result<device::Fastboot> open_fastboot(const std::string& text, std::chrono::seconds patience, Session& session,
                                       const RunContext& context)
{
    auto link = SALVAGE_TRY(connect(text, patience, session, context));
    return device::Fastboot{std::move(link), [&session](std::string_view line) {
                                session.say(fmt::format("(bootloader) {}\n", printable(line)));
                            }};
}

// ---- plan
// ------------------------------------------------------------------------------------------------------------

struct PlanOptions {
    DumpOptions dump;
    std::vector<std::string> phone_files;
    std::string fastboot;
    std::string variables_file;
    std::string tool;
    std::vector<std::string> only;
    std::vector<std::string> also;
    std::vector<std::string> accepted;
    std::string out;
    std::string scatter_folder;
};

Result<rescue::KnownPhone> learn_phone(const PlanOptions& options, Session& session, const RunContext& context)
{
    auto out = SALVAGE_TRY(rescue::know_phone_by_files({options.phone_files.begin(), options.phone_files.end()}));
    if (!options.variables_file.empty()) {
        const auto text = SALVAGE_TRY(read_text(options.variables_file));
        out.variables = rescue::parse_variables(text);
        out.known_from.push_back(options.variables_file);
    }
    if (!options.fastboot.empty()) {
        auto fastboot = SALVAGE_TRY(open_fastboot(options.fastboot, std::chrono::seconds{300}, session, context));
        out.variables = SALVAGE_TRY(fastboot.all_variables());
        for (const std::string name : {"product", "serialno", "unlocked", "max-download-size"}) {
            // Some bootloaders leave them out of `getvar all`.
            const bool is_known = std::ranges::find(out.variables, name, &std::pair<std::string, std::string>::first) !=
                                  out.variables.end();
            const auto value = is_known ? std::nullopt : SALVAGE_TRY(fastboot.variable(name));
            if (value) {
                out.variables.emplace_back(name, *value);
            }
        }
        out.known_from.push_back("getvar all of " + options.fastboot);
    }
    return out;
}

/// The scatter file among what is known of the phone, rewritten into the folder.
Result<> emit_scatter(const PlanOptions& options, const rescue::RestorePlan& plan, Session& session)
{
    for (const auto& path : options.phone_files) {
        const auto text = read_text(path);
        const auto scatter =
            text.has_value() ? rescue::make_restore_scatter(plan, *text) : Result<std::string>{text.error()};
        if (!scatter.has_value() && scatter.error().code == ErrorCode::unsupported) {
            continue; // another kind of file
        }
        SALVAGE_TRY(scatter);
        std::error_code problem;
        fs::create_directories(options.scatter_folder, problem);
        const auto out = fs::path{options.scatter_folder} / fs::path{path}.filename();
        SALVAGE_TRY(io::write_file_atomically(out, as_bytes(*scatter), io::Existing::refuse));
        session.say(fmt::format("{}: for SP Flash Tool, mode Download Only; the images go beside it: salvage split "
                                "{} -o FOLDER\n",
                                printable(out.string()), printable(options.dump.dump)));
        return {};
    }
    return not_found("there is no scatter file to rewrite", {}, "give the one of the phone's firmware: --phone FILE");
}

Result<> run_plan(const PlanOptions& options, Session& session)
{
    const auto context = session.context();
    rescue::RestoreRequest request{
        .only = options.only, .also = options.also, .accepted = options.accepted, .tool = {}};
    if (!options.tool.empty()) {
        request.tool = rescue::restore_tool_of(options.tool);
    }
    // Before the images are hashed: that takes its time.
    if (std::error_code ignored; !options.out.empty() && fs::exists(options.out, ignored)) {
        return Error{ErrorCode::already_exists,
                     fmt::format("{} exists and is not overwritten", printable(options.out)),
                     {},
                     std::nullopt,
                     "name another file with -o",
                     {}};
    }
    const auto phone = SALVAGE_TRY(learn_phone(options, session, context));
    const auto source = SALVAGE_TRY(rescue::open_restore_source(options.dump.request()));
    const auto plan = SALVAGE_TRY(rescue::plan_restore(source, phone, request, context));
    if (!options.out.empty()) {
        SALVAGE_TRY(io::write_file_atomically(options.out, as_bytes(rescue::format_plan(plan)), io::Existing::refuse));
    }
    show(session, plan);
    if (!options.scatter_folder.empty()) {
        SALVAGE_TRY(emit_scatter(options, plan, session));
    }
    session.finish(static_cast<int>(plan.blocker() != nullptr ? Exit::damaged : Exit::done));
    return {};
}

// ---- apply
// -----------------------------------------------------------------------------------------------------------

struct ApplyOptions {
    std::string plan;
    std::string hash;
    std::string fastboot;
    PhonePortOptions port;
    bool is_writing{false};
    bool is_yes{false};
};

Result<std::unique_ptr<rescue::RestoreTarget>> open_target(const ApplyOptions& options, Session& session,
                                                           const RunContext& context)
{
    if (options.fastboot.empty() == !options.port.is_given()) {
        return invalid_argument("which phone?", "one way to it is needed, and one only",
                                "give --fastboot tcp:HOST, udp:HOST or usb; or --usb or --serial, with --da FILE");
    }
    if (!options.fastboot.empty()) {
        const std::chrono::seconds patience{options.port.wait_seconds};
        return rescue::make_fastboot_target(SALVAGE_TRY(open_fastboot(options.fastboot, patience, session, context)));
    }
    const auto open = SALVAGE_TRY(options.port.writer(session));
    return rescue::make_agent_target(SALVAGE_TRY(open(context)));
}

bool ask(const rescue::RestorePlan& plan, const rescue::PhoneFacts& phone, Session& session)
{
    std::string names;
    for (const auto& step : plan.steps) {
        names += (names.empty() ? "" : ", ") + printable(step.partition);
    }
    const auto answer = session.ask_line(
        fmt::format("Overwrite {} on {} {}? What is there now is lost. Type \"yes\": ", names,
                    printable(phone.product.value_or("this phone")), printable(phone.serial.value_or(""))));
    return answer == "yes";
}

Result<> run_apply(const ApplyOptions& options, Session& session)
{
    const auto context = session.context();
    const auto plan = SALVAGE_TRY(rescue::load_plan(options.plan));
    const auto target = SALVAGE_TRY(open_target(options, session, context));
    using Mode = rescue::ApplyRequest::Mode;
    const rescue::ApplyRequest request{
        .hash = options.hash,
        .journal = options.plan + ".journal",
        .mode = options.is_writing ? Mode::write : Mode::dry_run,
        .confirm = [&](const auto& read, const auto& phone) { return options.is_yes || ask(read, phone, session); }};
    const auto report = SALVAGE_TRY(rescue::apply_restore(plan, *target, request, context));
    show(session, report);
    return {};
}

// ---- verify
// ----------------------------------------------------------------------------------------------------------

struct VerifyOptions {
    std::string plan;
    std::string dump;
    std::vector<std::string> scatter;
    PhonePortOptions port;
};

Result<std::unique_ptr<rescue::ReadBack>> open_read_back(const VerifyOptions& options, Session& session,
                                                         const RunContext& context)
{
    if (options.dump.empty() == !options.port.is_given()) {
        return invalid_argument("what is compared with the plan?", "a second dump or a phone is needed, and one only",
                                "give the dump that was read after the restore, or --usb or --serial, with --da FILE");
    }
    if (!options.dump.empty()) {
        return rescue::make_dump_read_back(
            SALVAGE_TRY(rescue::open_dump({.path = options.dump,
                                           .layout_files = {options.scatter.begin(), options.scatter.end()},
                                           .footer_file = {},
                                           .map_file = {}})));
    }
    const auto open = SALVAGE_TRY(options.port.reader(session));
    return rescue::make_flash_read_back(SALVAGE_TRY(open(context)));
}

Result<> run_verify(const VerifyOptions& options, Session& session)
{
    const auto context = session.context();
    const auto plan = SALVAGE_TRY(rescue::load_plan(options.plan));
    const auto read_back = SALVAGE_TRY(open_read_back(options, session, context));
    const auto report = SALVAGE_TRY(rescue::verify_restore(plan, *read_back, context));
    show(session, report);
    if (const auto mismatch = report.first_mismatch()) {
        session.fail(*mismatch);
    }
    return {};
}

Outputs plan_outputs(const PlanOptions& options)
{
    return outputs_at({options.out, options.scatter_folder});
}

void add_plan(CLI::App& app, Session& session)
{
    auto& command = verb(app, "plan", "which image onto which partition, by which tool, in which order, and why",
                         "salvage restore plan dump.bin --phone new-gpt.bin --fastboot usb -o plan.json");
    const auto options = std::make_shared<PlanOptions>();
    options->dump.add_to(command);
    command.add_option("--phone", options->phone_files,
                       "what is on the phone now: its GPT, a dump of it, or the scatter file of its firmware "
                       "(repeatable)");
    auto* const live = command.add_option("--fastboot", options->fastboot,
                                          "ask its bootloader: tcp:HOST[:PORT], udp:HOST[:PORT], usb[:SERIAL]");
    command.add_option("--getvar", options->variables_file, "file with the output of `fastboot getvar all`")
        ->excludes(live);
    command.add_option("--tool", options->tool, "what writes; chosen by what is known of the phone where not given")
        ->check(CLI::IsMember({"fastboot", "da-write", "flash-tool"}));
    command.add_option("--only", options->only, "write this partition and no others (repeatable)");
    command.add_option("--also", options->also, "write this partition too (repeatable); never IMEI or lock state");
    command.add_option("--accept", options->accepted, "code of a conflict that shall not stop the plan (repeatable)");
    command.add_option("-o,--out", options->out, "file for the plan");
    command.add_option("--emit-scatter", options->scatter_folder,
                       "folder for a scatter file that makes SP Flash Tool write its part of the plan");
    add_output_options(command, session);
    on_chosen_recorded(command, session, options, run_plan, plan_outputs);
}

void add_apply(CLI::App& app, Session& session)
{
    auto& command = verb(app, "apply", "does exactly what a plan says; without --write only says what it would do",
                         "salvage restore apply plan.json --hash 3f1c… --fastboot usb --write");
    const auto options = std::make_shared<ApplyOptions>();
    command.add_option("plan", options->plan, "the plan, as `restore plan` wrote it")->required();
    command.add_option("--hash", options->hash, "its hash, as you read it: all of it or its first 12 digits or more")
        ->required();
    command.add_option("--fastboot", options->fastboot, "tcp:HOST[:PORT], udp:HOST[:PORT], usb[:SERIAL]");
    options->port.add_to(command);
    command.add_flag("--write", options->is_writing, "write; without it nothing is changed");
    command.add_flag("--yes", options->is_yes, "do not ask before the first write");
    add_output_options(command, session);
    on_chosen(command, session, options, run_apply);
}

void add_verify(CLI::App& app, Session& session)
{
    auto& command = verb(app, "verify", "compares the phone, or a dump read after the restore, with the plan's images",
                         "salvage restore verify plan.json second-dump.bin");
    const auto options = std::make_shared<VerifyOptions>();
    command.add_option("plan", options->plan, "the plan, as `restore plan` wrote it")->required();
    command.add_option("dump", options->dump, "dump that was read after the restore");
    command.add_option("--scatter", options->scatter, "another source of that dump's layout (repeatable)");
    options->port.add_to(command);
    add_output_options(command, session);
    on_chosen(command, session, options, run_verify);
}

} // namespace

void add_restore(CLI::App& app, Session& session)
{
    auto& command =
        verb(app, "restore", "puts partitions back, so that the same phone opens its data: plan, apply, verify",
             "salvage restore plan dump.bin -o plan.json");
    command.require_subcommand(1);
    add_plan(command, session);
    add_apply(command, session);
    add_verify(command, session);
}

} // namespace salvage::cli
