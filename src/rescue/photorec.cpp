// PhotoRec is driven by its command line (/cmd) and read by its report.  Source: PhotoRec's manual, "Automating
// recovery".
#include "rescue/photorec.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>
#include <sstream>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pugixml.hpp>

#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

namespace fs = std::filesystem;

constexpr int shell_found_no_program = 127;
constexpr std::string_view report_name = "report.xml";
constexpr std::size_t most_words_shown = 600;

// It must not outlive us: the next run works in the same folder.
constexpr std::string_view photorec_script =
    R"(exec >photorec.out 2>&1 </dev/null; command -v setpriv && exec setpriv --pdeathsig KILL photorec "$@"; )"
    R"(exec photorec "$@")";

fs::path found_in(const PhotorecRequest& request)
{
    return request.folder / "found";
}

/// It draws on a terminal that is not there, and keeps its session in the current folder.
std::vector<std::string> command_of(const PhotorecRequest& request)
{
    auto job = fmt::format("partition_none,blocksize,{},options,paranoid,fileopt,everything,{}", request.block.value,
                           request.families.empty() ? "enable" : "disable");
    for (const auto& family : request.families) {
        job += fmt::format(",{},enable", family);
    }
    return {"/usr/bin/env",
            "-C",
            request.folder.string(),
            "TERM=linux",
            "LC_ALL=C.UTF-8",
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin",
            "sh",
            "-c",
            std::string{photorec_script},
            "photorec",
            "/d",
            found_in(request).string(),
            "/cmd",
            fs::absolute(request.image).string(),
            job + ",search"};
}

std::string read_text(const fs::path& path)
{
    const std::ifstream file{path, std::ios::binary};
    std::ostringstream out;
    out << file.rdbuf();
    return std::move(out).str();
}

Error missing()
{
    return not_found("PhotoRec, which does the carving, is not installed", "there is no program photorec",
                     "install it (Debian: apt-get install testdisk) and do the same again");
}

Error failed(const PhotorecRequest& request, int exit_code)
{
    auto words = read_text(request.folder / "photorec.out");
    words = words.substr(words.size() - std::min(words.size(), most_words_shown));
    return unsupported("PhotoRec did not do its work", fmt::format("exit code {}: {}", exit_code, printable(words)),
                       "look whether `photorec` runs by itself; version 7.1 or later is wanted");
}

std::string ending_of(std::string_view name)
{
    const auto dot = name.rfind('.');
    std::string out;
    for (const char c : dot == std::string_view::npos ? std::string_view{} : name.substr(dot + 1)) {
        const auto lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        const bool is_plain = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
        if (!is_plain) {
            return "bin";
        }
        out += lower;
    }
    return out.empty() || out.size() > 8 ? "bin" : out;
}

struct Found {
    std::string name;
    fs::path path;
};

/// Adds the regular files of `folder`.
Result<> add_files(std::vector<Found>& out, const fs::path& folder)
{
    std::error_code problem;
    for (fs::directory_iterator at{folder, problem}; !problem && at != fs::directory_iterator{};
         at.increment(problem)) {
        std::error_code gone;
        if (at->symlink_status(gone).type() == fs::file_type::regular) {
            out.push_back({.name = at->path().filename().string(), .path = at->path()});
        }
    }
    return problem ? from_errno(problem.value(), "what PhotoRec found cannot be listed", folder.string()) : Result<>{};
}

/// PhotoRec begins a new folder ("found.2") after every 500 files.
Result<std::vector<Found>> files_of(const PhotorecRequest& request)
{
    std::vector<Found> out;
    for (unsigned number = 1;; ++number) {
        const fs::path folder{fmt::format("{}.{}", found_in(request).string(), number)};
        std::error_code problem;
        if (!fs::is_directory(folder, problem)) {
            break;
        }
        SALVAGE_TRY(add_files(out, folder));
    }
    std::ranges::sort(out, {}, &Found::path);
    return out;
}

std::optional<std::uint64_t> number_of(const pugi::xml_node& node, const char* attribute)
{
    const std::string_view text{node.attribute(attribute).value()};
    std::uint64_t out = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
    return problem == std::errc{} && end == text.data() + text.size() ? std::optional{out} : std::nullopt;
}

std::optional<PhotorecRun> run_of(const pugi::xml_node& node, ByteCount image_size)
{
    const auto start = number_of(node, "img_offset");
    const auto size = number_of(node, "len");
    const auto range = start && size ? ByteRange::make(ByteOffset{*start}, ByteCount{*size}) : std::nullopt;
    if (!range || range->is_empty() || *start >= image_size.value) {
        return std::nullopt;
    }
    // The last block of a file may reach over the end of the image.
    return PhotorecRun{.in_image = range->intersection(ByteRange::first(image_size))};
}

using RunsByName = std::map<std::string, std::vector<PhotorecRun>, std::less<>>;

/// Where the files lay; nothing of those whose names occur twice: a wrong place is worse than none.
RunsByName runs_by_name(const PhotorecReport& report, const std::vector<Found>& found)
{
    RunsByName out;
    std::map<std::string_view, unsigned> times;
    for (const auto& file : found) {
        ++times[file.name];
    }
    for (const auto& entry : report.entries) {
        const auto here = times.find(entry.name);
        if (here != times.end() && here->second == 1) {
            out.insert_or_assign(entry.name, entry.runs);
        }
    }
    return out;
}

} // namespace

PhotorecReport parse_photorec_report(std::string_view xml, ByteCount image_size)
{
    PhotorecReport out;
    pugi::xml_document document;
    const auto parsed = document.load_buffer(xml.data(), xml.size());
    const auto top = document.child("dfxml");
    if (!parsed || top.empty()) {
        out.damage = malformed(ByteOffset{static_cast<std::uint64_t>(std::max<std::ptrdiff_t>(parsed.offset, 0))},
                               "PhotoRec's report is not in the form that is known", parsed.description());
    }
    for (const auto& object : top.children("fileobject")) {
        PhotorecEntry entry{.name = object.child_value("filename"), .runs = {}};
        for (const auto& node : object.child("byte_runs").children("byte_run")) {
            if (const auto run = run_of(node, image_size)) {
                entry.runs.push_back(*run);
            }
        }
        out.entries.push_back(std::move(entry));
    }
    return out;
}

Result<PhotorecResult> run_photorec(const PhotorecRequest& request, CommandRunner& runner, const RunContext& context)
{
    std::error_code problem;
    const auto first = fs::path{found_in(request).string() + ".1"};
    if (fs::exists(first, problem)) { // it would put its results and report beside those
        return Error{ErrorCode::already_exists, "the folder for PhotoRec is not empty", first.string(), {}, {}, {}};
    }
    const auto answer = SALVAGE_TRY(runner.run(command_of(request), context).in("carving with PhotoRec"));
    if (answer.exit_code == shell_found_no_program) {
        return missing();
    }
    const auto size = fs::file_size(request.image, problem);
    if (problem) {
        return from_errno(problem.value(), "what PhotoRec searched was gone before it ended", request.image.string());
    }
    const auto report = parse_photorec_report(read_text(first / report_name), ByteCount{size});
    auto found = SALVAGE_TRY(files_of(request));
    std::erase_if(found, [](const Found& file) { return file.name == report_name; });
    if (found.empty() && (answer.exit_code != 0 || report.damage)) {
        return failed(request, answer.exit_code);
    }
    PhotorecResult out;
    if (answer.exit_code != 0) {
        out.incomplete.push_back(
            fmt::format("PhotoRec ended early (exit code {}): further back may be more files", answer.exit_code));
    }
    if (report.damage) {
        out.incomplete.emplace_back("PhotoRec's report is damaged: where some files lay is not known");
    }
    const auto runs = runs_by_name(report, found);
    for (const auto& [name, path] : found) {
        const auto known = runs.find(name);
        out.files.push_back({.path = path,
                             .ending = ending_of(name),
                             .runs = known == runs.end() ? std::vector<PhotorecRun>{} : known->second});
    }
    return out;
}

} // namespace salvage::rescue
