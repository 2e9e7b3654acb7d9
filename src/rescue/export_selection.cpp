// Choosing entries.
#include "rescue/export_selection.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <fnmatch.h>

namespace salvage::rescue {
namespace {

using filesystem::EntryType;

struct Ending {
    std::string_view text;
    FileKind kind;
};
/// By the endings that Android's media scanner and its apps give.
constexpr auto endings = std::to_array<Ending>({
    {"jpg", FileKind::image},           {"jpeg", FileKind::image},
    {"png", FileKind::image},           {"gif", FileKind::image},
    {"bmp", FileKind::image},           {"webp", FileKind::image},
    {"heic", FileKind::image},          {"heif", FileKind::image},
    {"dng", FileKind::image},           {"tif", FileKind::image},
    {"tiff", FileKind::image},          {"mpo", FileKind::image},
    {"mp4", FileKind::video},           {"3gp", FileKind::video},
    {"3g2", FileKind::video},           {"mkv", FileKind::video},
    {"webm", FileKind::video},          {"avi", FileKind::video},
    {"mov", FileKind::video},           {"m4v", FileKind::video},
    {"mpg", FileKind::video},           {"mpeg", FileKind::video},
    {"wmv", FileKind::video},           {"flv", FileKind::video},
    {"mp3", FileKind::audio},           {"m4a", FileKind::audio},
    {"aac", FileKind::audio},           {"ogg", FileKind::audio},
    {"opus", FileKind::audio},          {"amr", FileKind::audio},
    {"wav", FileKind::audio},           {"flac", FileKind::audio},
    {"3ga", FileKind::audio},           {"mid", FileKind::audio},
    {"wma", FileKind::audio},           {"awb", FileKind::audio},
    {"pdf", FileKind::document},        {"doc", FileKind::document},
    {"docx", FileKind::document},       {"xls", FileKind::document},
    {"xlsx", FileKind::document},       {"ppt", FileKind::document},
    {"pptx", FileKind::document},       {"odt", FileKind::document},
    {"ods", FileKind::document},        {"odp", FileKind::document},
    {"txt", FileKind::document},        {"rtf", FileKind::document},
    {"csv", FileKind::document},        {"vcf", FileKind::document},
    {"ics", FileKind::document},        {"htm", FileKind::document},
    {"html", FileKind::document},       {"epub", FileKind::document},
    {"db", FileKind::database},         {"sqlite", FileKind::database},
    {"sqlite3", FileKind::database},    {"db-wal", FileKind::database},
    {"db-journal", FileKind::database}, {"db-shm", FileKind::database},
    {"sqlite-wal", FileKind::database}, {"sqlite-journal", FileKind::database},
});

bool passes(const ExportFilter& filter, const ListedEntry& listed)
{
    const auto& entry = listed.entry;
    if (!filter.kinds.empty()) {
        const auto kind = entry.type == EntryType::file ? kind_of(entry.name) : std::nullopt;
        if (!kind || std::ranges::find(filter.kinds, *kind) == filter.kinds.end()) {
            return false;
        }
    }
    if (filter.modified_from && entry.modified < *filter.modified_from) {
        return false;
    }
    if (filter.modified_before && entry.modified >= *filter.modified_before) {
        return false;
    }
    return filter.matches.empty() || std::ranges::any_of(filter.matches, [&listed](const std::string& pattern) {
               return fnmatch(pattern.c_str(), listed.path.c_str(), 0) == 0 ||
                      fnmatch(pattern.c_str(), listed.entry.name.c_str(), 0) == 0;
           });
}

} // namespace

std::optional<FileKind> kind_of(std::string_view name)
{
    const auto dot = name.rfind('.');
    if (dot == std::string_view::npos) {
        return std::nullopt;
    }
    std::string ending{name.substr(dot + 1)};
    std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto* const found = std::ranges::find(endings, ending, &Ending::text);
    return found == endings.end() ? std::nullopt : std::optional{found->kind};
}

std::string_view to_string(FileKind kind) noexcept
{
    switch (kind) {
    case FileKind::image: return "image";
    case FileKind::video: return "video";
    case FileKind::audio: return "audio";
    case FileKind::document: return "document";
    case FileKind::database: return "database";
    }
    return "document";
}

std::string identity_of(const ExportFilter& filter)
{
    std::string out;
    for (const auto& pattern : filter.matches) {
        out += fmt::format("; match {}", pattern);
    }
    for (const auto kind : filter.kinds) {
        out += fmt::format("; kind {}", static_cast<unsigned>(kind));
    }
    if (filter.modified_from) {
        out += fmt::format("; from {}.{}", filter.modified_from->seconds, filter.modified_from->nanoseconds);
    }
    if (filter.modified_before) {
        out += fmt::format("; before {}.{}", filter.modified_before->seconds, filter.modified_before->nanoseconds);
    }
    return out;
}

Result<ExportSelection> ExportSelection::make(const filesystem::FileSystem& filesystem,
                                              const std::vector<std::string>& paths, const ExportFilter& filter,
                                              const RunContext& context)
{
    ExportSelection out{filter};
    std::unordered_set<std::uint64_t> seen;
    const auto add = [&](const ListedEntry& listed) -> Result<> {
        const auto& entry = listed.entry;
        if (entry.type == EntryType::directory || !passes(filter, listed)) {
            return {};
        }
        if (!filter.is_empty()) {
            out.add_folders_of(listed.path);
        }
        if (entry.type == EntryType::file && (entry.links < 2 || seen.insert(entry.inode).second)) {
            out.total_ = ByteCount{checked_add(out.total_.value, entry.size.value).value_or(out.total_.value)};
        }
        return {};
    };
    for (const auto& path : paths) {
        SALVAGE_TRY(walk(filesystem, path, Recursive::yes, add, context));
    }
    return out;
}

void ExportSelection::add_folders_of(const std::string& path)
{
    for (auto slash = path.rfind('/'); slash != std::string::npos && slash > 0; slash = path.rfind('/', slash - 1)) {
        if (!folders_.insert(path.substr(0, slash)).second) {
            return; // and so those above it
        }
    }
}

bool ExportSelection::takes(const ListedEntry& listed) const
{
    if (filter_.is_empty()) {
        return true;
    }
    return listed.entry.type == EntryType::directory ? folders_.contains(listed.path) || listed.problem.has_value()
                                                     : passes(filter_, listed);
}

} // namespace salvage::rescue
