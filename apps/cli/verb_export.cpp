// export: files into a folder or an archive.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>

#include <fmt/format.h>

#include "file_kinds.hpp"
#include "opened_files.hpp"
#include "options.hpp"
#include "recorded.hpp"
#include "salvage/core/text.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/rescue/export_archive.hpp"
#include "verbs.hpp"

namespace salvage::cli {
namespace {

struct ExportVerb {
    DumpOptions dump;
    SecretOptions secret;
    std::string path{"/"};
    std::string out;
    std::string format{"folder"};
    std::string layout{"plain"};
    std::vector<std::string> matches;
    std::vector<std::string> kinds;
    std::string from;
    std::string until;
    bool is_deleted{false};
};

/// The number that `text` begins with, which is taken off together with the mark that has to follow.
std::optional<int> take_number(std::string_view& text, std::size_t digits, std::string_view mark)
{
    int out = 0;
    const auto part = text.substr(0, digits);
    const auto [end, problem] = std::from_chars(part.data(), part.data() + part.size(), out);
    if (part.size() != digits || problem != std::errc{} || end != part.data() + part.size() || out < 0 ||
        text.substr(digits, mark.size()) != mark) {
        return std::nullopt;
    }
    text.remove_prefix(digits + mark.size());
    return out;
}

/// "2016-05-31", a day in UTC.
std::optional<std::chrono::sys_days> day_of(std::string_view text)
{
    const auto year = take_number(text, 4, "-");
    const auto month = year ? take_number(text, 2, "-") : std::nullopt;
    const auto day = month ? take_number(text, 2, "") : std::nullopt;
    if (!day || !text.empty()) {
        return std::nullopt;
    }
    const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                           std::chrono::day{static_cast<unsigned>(*day)}};
    return date.ok() ? std::optional{std::chrono::sys_days{date}} : std::nullopt;
}

Result<std::optional<filesystem::Timestamp>> start_of(const std::string& text, std::chrono::days later)
{
    if (text.empty()) {
        return std::optional<filesystem::Timestamp>{};
    }
    const auto day = day_of(text);
    if (!day) {
        return invalid_argument(fmt::format("{} is no day", printable(text)), "the calendar has none like it",
                                "write year, month, day: 2016-05-31");
    }
    const std::chrono::seconds seconds = (*day + later).time_since_epoch();
    return std::optional{filesystem::Timestamp{.seconds = seconds.count(), .nanoseconds = 0}};
}

Result<rescue::ExportOptions> export_options(const ExportVerb& options)
{
    rescue::ExportOptions out;
    out.path = options.path;
    out.top_folder = options.layout == "ffs" ? "data" : "";
    out.filter.matches = options.matches;
    for (const auto& name : options.kinds) {
        out.filter.kinds.push_back(SALVAGE_TRY(file_kind_from(name)));
    }
    out.filter.modified_from = SALVAGE_TRY(start_of(options.from, std::chrono::days{0}));
    out.filter.modified_before = SALVAGE_TRY(start_of(options.until, std::chrono::days{1}));
    return out;
}

Result<> tell(Session& session, const rescue::ExportReport& report)
{
    show(session, report);
    rescue::describe(report, session.outcome);
    return {};
}

Result<> run_export(const ExportVerb& options, Session& session)
{
    const auto context = session.context();
    const bool is_stream = options.out == "-";
    if (is_stream && options.format == "folder") {
        return invalid_argument("a folder cannot go to standard output", "-o - was given",
                                "name a folder, or take --format tar");
    }
    auto wanted = SALVAGE_TRY(export_options(options));
    const auto opened = SALVAGE_TRY(open_filesystem(options.dump, options.secret, session, context,
                                                    options.is_deleted ? WhichFiles::deleted : WhichFiles::live));
    wanted.source_identity = identity_of(opened.opened) + (options.is_deleted ? "; deleted files" : "");
    if (options.format == "folder") {
        return tell(session, SALVAGE_TRY(rescue::export_folder(*opened.files, options.out, wanted, context)));
    }
    const auto format = options.format == "zip" ? rescue::ArchiveFormat::zip : rescue::ArchiveFormat::pax;
    if (is_stream) {
        crypto::Sha256 hash;
        const auto write = [&hash](ByteView bytes) {
            hash.update(bytes);
            return write_to_stdout(bytes);
        };
        const auto report = SALVAGE_TRY(rescue::export_archive(*opened.files, format, write, wanted, context));
        rescue::describe(report, session.outcome);
        session.outcome.data.push_back({.key = "stdout_sha256", .value = to_hex(hash.finish())});
        session.say(render::text(report, session.err_style())); // standard output is the archive
        return {};
    }
    return tell(session, SALVAGE_TRY(rescue::export_to_file(*opened.files, format, options.out, wanted, context)));
}

Outputs outputs(const ExportVerb& options)
{
    return options.out == "-" ? Outputs{std::vector<rescue::RunOutput>{}} : outputs_at({options.out});
}

} // namespace

void add_export(CLI::App& app, Session& session)
{
    auto& command =
        verb(app, "export", "take files out into a folder or archive, with times, modes, hashes, a manifest",
             "salvage export phone.img /media/0/DCIM -o photos --ask\n"
             "  salvage export phone.img --layout ffs --format tar -o phone.tar --ask");
    auto options = std::make_shared<ExportVerb>();
    options->dump.add_to(command);
    add_output_options(command, session);
    on_chosen_recorded(command, session, options, run_export, outputs);
    command.add_option("path", options->path, "folder or file; its tree lands directly in the target")
        ->capture_default_str();
    command
        .add_option("-o,--out", options->out,
                    "target folder: new, empty, or an unfinished export of the same dump; or archive; - for standard "
                    "output")
        ->required();
    command.add_option("--format", options->format, "folder; tar (pax: everything a phone has); zip (stored)")
        ->check(CLI::IsMember({"folder", "tar", "zip"}))
        ->capture_default_str();
    command
        .add_option("--layout", options->layout,
                    "plain, or ffs: below data/, as ALEAPP, Autopsy and other readers of full filesystems want it")
        ->check(CLI::IsMember({"plain", "ffs"}))
        ->capture_default_str();
    add_deleted_flag(command, options->is_deleted);
    command.add_option("--match", options->matches,
                       "only what this shell pattern fits: '*.jpg', '/media/*' (repeatable)");
    add_kind_option(command, options->kinds);
    command.add_option("--from", options->from, "only what was modified on this day or later, UTC: 2016-05-31");
    command.add_option("--until", options->until, "only what was modified on this day or earlier, UTC");
    options->secret.add_to(command);
}

} // namespace salvage::cli
