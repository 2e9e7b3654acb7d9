// PhotoRec is driven by its command line (/cmd) and read by its report.  Source: PhotoRec's manual, "Automating
// recovery".
#include "rescue/photorec.hpp"

#include <algorithm>
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
constexpr std::size_t most_words_shown = 600;

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
            "exec photorec \"$@\" >photorec.out 2>&1 </dev/null",
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

/// PhotoRec begins a new folder ("found.2") after every 500 files.
std::map<std::string, fs::path> files_of(const fs::path& folder)
{
    std::map<std::string, fs::path> out;
    std::error_code problem;
    for (const auto& inner : fs::directory_iterator{folder, problem}) {
        if (!inner.path().filename().string().starts_with("found.") || !inner.is_directory(problem)) {
            continue;
        }
        for (const auto& file : fs::directory_iterator{inner.path(), problem}) {
            if (file.is_regular_file(problem) && !file.is_symlink(problem)) {
                out.emplace(file.path().filename().string(), file.path());
            }
        }
    }
    return out;
}

std::optional<PhotorecRun> run_of(const pugi::xml_node& node, ByteCount image_size)
{
    const ByteOffset start{node.attribute("img_offset").as_ullong()};
    const ByteCount size{node.attribute("len").as_ullong()};
    const auto range = ByteRange::make(start, size);
    if (!range || range->is_empty() || start.value >= image_size.value) {
        return std::nullopt;
    }
    // The last block of a file may reach over the end of the image.
    return PhotorecRun{.in_image = range->intersection(ByteRange::first(image_size))};
}

} // namespace

Result<std::vector<PhotorecEntry>> parse_photorec_report(std::string_view xml, ByteCount image_size)
{
    pugi::xml_document document;
    const auto parsed = document.load_buffer(xml.data(), xml.size());
    const auto top = document.child("dfxml");
    if (!parsed || top.empty()) {
        return malformed(ByteOffset{static_cast<std::uint64_t>(std::max<std::ptrdiff_t>(parsed.offset, 0))},
                         "PhotoRec's report is not in the form that is known", parsed.description());
    }
    std::vector<PhotorecEntry> out;
    for (const auto& object : top.children("fileobject")) {
        PhotorecEntry entry{.name = object.child_value("filename"), .runs = {}};
        for (const auto& node : object.child("byte_runs").children("byte_run")) {
            if (const auto run = run_of(node, image_size)) {
                entry.runs.push_back(*run);
            }
        }
        out.push_back(std::move(entry));
    }
    return out;
}

Result<std::vector<PhotorecFile>> run_photorec(const PhotorecRequest& request, CommandRunner& runner,
                                               const RunContext& context)
{
    const auto answer = SALVAGE_TRY(runner.run(command_of(request), context).in("carving with PhotoRec"));
    if (answer.exit_code == shell_found_no_program) {
        return missing();
    }
    const auto report = request.folder / "found.1" / "report.xml";
    std::error_code problem;
    if (answer.exit_code != 0 || !fs::exists(report, problem)) {
        return failed(request, answer.exit_code);
    }
    const auto size = fs::file_size(request.image, problem);
    auto entries = SALVAGE_TRY(parse_photorec_report(read_text(report), ByteCount{problem ? 0 : size}));
    std::map<std::string, std::vector<PhotorecRun>> runs;
    for (auto& entry : entries) {
        runs.insert_or_assign(std::move(entry.name), std::move(entry.runs));
    }
    std::vector<PhotorecFile> out;
    for (const auto& [name, path] : files_of(request.folder)) {
        if (name != report.filename()) {
            out.push_back({.path = path, .ending = ending_of(name), .runs = runs[name]});
        }
    }
    return out;
}

} // namespace salvage::rescue
