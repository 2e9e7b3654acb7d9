// convert: a dump from one container into another, or its stored hashes checked.
#include <memory>
#include <string>

#include "options.hpp"
#include "recorded.hpp"
#include "salvage/core/text.hpp"
#include "salvage/render/convert.hpp"
#include "salvage/rescue/convert.hpp"
#include "verbs.hpp"

namespace salvage::cli {
namespace {

struct ConvertVerbOptions {
    DumpOptions dump;
    std::string out;
    std::string format;
    std::string segment{"2GiB"};
    std::string compression{"fast"};
    std::string hashes{"all"};
    bool is_verify{false};
    io::E01CaseData case_data;
};

Result<rescue::ConvertOptions> request_of(const ConvertVerbOptions& options)
{
    rescue::ConvertOptions out;
    out.format = rescue::convert_format_from(options.format).value_or(rescue::convert_format_of(options.out));
    out.segment = ByteCount{SALVAGE_TRY(parse_quantity(options.segment).in("reading --segment-size"))};
    out.compression = options.compression == "none"   ? io::E01Compression::none
                      : options.compression == "best" ? io::E01Compression::best
                                                      : io::E01Compression::fast;
    out.case_data = options.case_data;
    out.hashes = options.hashes == "md5" ? rescue::E01Hashes::md5 : rescue::E01Hashes::all;
    out.read_back = options.is_verify ? rescue::ReadAgain::yes : rescue::ReadAgain::no;
    return out;
}

void show_conversion(Session& session, const rescue::ConvertReport& report)
{
    session.print(session.is_json ? render::json(report) : render::text(report, session.out_style()));
    const bool is_short = !report.lost.empty() || (report.e01 && !report.e01->damage.empty());
    session.finish(!report.agrees() ? static_cast<int>(Exit::mismatch)
                   : is_short       ? static_cast<int>(Exit::damaged)
                                    : 0);
}

Result<> run_convert(const ConvertVerbOptions& options, Session& session)
{
    if (options.out.empty() && !options.is_verify) {
        return invalid_argument("no file is named to write to", {},
                                "give -o OUT; or --verify alone, to check the hashes that DUMP has stored");
    }
    const auto request = SALVAGE_TRY(request_of(options));
    const auto context = session.context();
    const auto dump = SALVAGE_TRY(rescue::open_dump(options.dump.request()));
    const auto report = SALVAGE_TRY(options.out.empty() ? rescue::check_stored_hashes(dump, context)
                                                        : rescue::convert(dump, options.out, request, context));
    show_conversion(session, report);
    for (const auto& file : report.files) {
        session.outcome.outputs.push_back({.path = file});
    }
    return {};
}

Outputs outputs(const ConvertVerbOptions& options)
{
    return options.out.empty() ? Outputs{} : Outputs{std::vector<rescue::RunOutput>{}}; // the report names the files
}

} // namespace

void add_convert(CLI::App& app, Session& session)
{
    auto& command =
        verb(app, "convert", "write a dump in another container: raw, split raw, Android sparse, E01, seekable zstd",
             "salvage convert phone.img -o phone.E01 --case-number 17 --examiner \"A. Nother\"\n  "
             "salvage convert phone.E01 -o phone.img.zst --verify\n  salvage convert phone.E01 --verify");
    const auto options = std::make_shared<ConvertVerbOptions>();
    options->dump.add_to(command);
    command.add_option("-o,--out", options->out, "file to write; parts of a split image get .001, .002 … behind it");
    command.add_option("--format", options->format, "what to write; default: as the name of OUT ends")
        ->check(CLI::IsMember({"raw", "split", "sparse", "e01", "zst"}));
    command.add_option("--segment-size", options->segment, "largest file of a split or E01 image")
        ->capture_default_str();
    command.add_option("--compression", options->compression, "of E01 and zst")
        ->check(CLI::IsMember({"none", "fast", "best"}))
        ->capture_default_str();
    command.add_option("--hash", options->hashes, "of E01: MD5 and SHA-1 in it and SHA-256 beside it, or MD5 alone")
        ->check(CLI::IsMember({"all", "md5"}))
        ->capture_default_str();
    command.add_flag("--verify", options->is_verify,
                     "read back what was written and compare; without -o: compare DUMP with the hashes it has stored");
    const auto* const fields = "Case (E01)";
    command.add_option("--case-number", options->case_data.case_number, "number of the case")->group(fields);
    command.add_option("--evidence-number", options->case_data.evidence_number, "number of the piece of evidence")
        ->group(fields);
    command.add_option("--description", options->case_data.description, "what it is an image of")->group(fields);
    command.add_option("--examiner", options->case_data.examiner, "who made it")->group(fields);
    command.add_option("--notes", options->case_data.notes, "anything else")->group(fields);
    add_output_options(command, session);
    on_chosen_recorded(command, session, options, run_convert, outputs);
}

} // namespace salvage::cli
