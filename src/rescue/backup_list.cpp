// Lines of the list, and the walk through a case.
#include "rescue/backup_list.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include <sys/stat.h>
#include <unistd.h>

#include "rescue/backup_book.hpp"
#include "rescue/beneath.hpp"
#include "rescue/export_listings.hpp"
#include "rescue/out_folder.hpp"
#include "salvage/rescue/backup.hpp"

namespace salvage::rescue {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::int64_t nanoseconds_a_second = 1'000'000'000;

/// Where all names are ours: those of the phone are below others.
constexpr std::array<std::string_view, 3> own_folders{"parts", "sessions", "signatures"};

bool is_hash(std::string_view text)
{
    return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::uint64_t pieces_of(std::uint64_t size)
{
    return (size / backup_piece.value) + (size % backup_piece.value == 0 ? 0 : 1);
}

/// What is never copied: what is under way, what only this folder needs, what is known of the copies, and what would
/// stand in the place of a copy's own files.  Files of the phone are all copied, whatever they are called.
bool is_left_out(std::string_view path)
{
    if (path == "backups" || path.starts_with("backups/") || path.starts_with("thumbnails/") ||
        path.starts_with(backup_mark) || path.starts_with(backup_under_way) || path == sums_name) {
        return true;
    }
    const auto top = path.substr(0, path.find('/'));
    const bool is_ours = top == path || std::ranges::find(own_folders, top) != own_folders.end();
    const auto below = path.substr(std::min(path.size(), top.size() + 1));
    const auto second = below.substr(0, below.find('/'));
    const bool is_unfinished = second.starts_with(".salvage-") && second.ends_with(".partial");
    return is_unfinished || (is_ours && (path.ends_with(".partial") || path.ends_with(".lock")));
}

} // namespace

ByteRange BackupFile::piece(std::size_t index) const noexcept
{
    const auto start = std::min(size, index * backup_piece.value);
    const auto end = std::min(size, start + backup_piece.value);
    return ByteRange::between(ByteOffset{start}, ByteOffset{end});
}

std::string backup_line(const BackupFile& file)
{
    Json json = Json::object();
    put_text(json, "path", file.path);
    if (file.is_link()) {
        put_text(json, "link", file.link);
        return to_line(json);
    }
    json["size"] = file.size;
    json["mtime"] = file.mtime;
    if (file.sha256.empty()) {
        return to_line(json);
    }
    json["sha256"] = file.sha256;
    json["pieces"] = file.pieces;
    return to_line(json);
}

std::optional<BackupFile> parse_backup_line(std::string_view line)
{
    const auto json = parse_object(line);
    const auto path = json ? get_text(*json, "path") : std::nullopt;
    if (!path || !is_beneath(*path) || is_left_out(*path)) {
        return std::nullopt;
    }
    BackupFile out;
    out.path = *path;
    if (const auto link = get_text(*json, "link"); link && !link->empty()) {
        out.link = *link;
        return out;
    }
    const auto size = get_number(*json, "size");
    const auto mtime = json->find("mtime");
    if (!size || mtime == json->end() || !mtime->is_number_integer()) {
        return std::nullopt;
    }
    out.size = *size;
    out.mtime = mtime->get<std::int64_t>();
    const auto sum = get_text(*json, "sha256");
    if (!sum) {
        return out;
    }
    const auto pieces = json->find("pieces");
    if (!is_hash(*sum) || pieces == json->end() || !pieces->is_array() || pieces->size() != pieces_of(*size)) {
        return std::nullopt;
    }
    out.sha256 = *sum;
    out.pieces.reserve(pieces->size());
    for (const auto& piece : *pieces) {
        if (!piece.is_string() || !is_hash(piece.get_ref<const std::string&>())) {
            return std::nullopt;
        }
        out.pieces.push_back(piece.get<std::string>());
    }
    return out;
}

Result<std::vector<CaseEntry>> list_case(const std::filesystem::path& case_folder)
{
    std::vector<CaseEntry> out;
    std::error_code problem;
    for (fs::recursive_directory_iterator it{case_folder, problem};
         !problem && it != fs::recursive_directory_iterator{}; it.increment(problem)) {
        const auto path = it->path().lexically_relative(case_folder).string();
        if (is_left_out(path)) {
            if (path == "backups" || path == "thumbnails") {
                it.disable_recursion_pending();
            }
            continue;
        }
        struct stat facts{};
        if (::lstat(it->path().c_str(), &facts) != 0) {
            return from_errno(errno, "a file of the case cannot be looked at", it->path().string());
        }
        if (S_ISLNK(facts.st_mode)) {
            out.push_back({.path = path, .link = fs::read_symlink(it->path(), problem).string()});
        } else if (S_ISREG(facts.st_mode)) {
            out.push_back({.path = path,
                           .size = static_cast<std::uint64_t>(facts.st_size),
                           .mtime = (facts.st_mtim.tv_sec * nanoseconds_a_second) + facts.st_mtim.tv_nsec,
                           .allocated = static_cast<std::uint64_t>(facts.st_blocks) * 512,
                           .link = {}});
        }
    }
    if (problem) {
        return from_errno(problem.value(), "the case cannot be listed", case_folder.string());
    }
    std::ranges::sort(out, {}, &CaseEntry::path);
    return out;
}

bool is_unchanged(const CaseEntry& now, const BackupFile& copied) noexcept
{
    if (now.link != copied.link) {
        return false;
    }
    // The log only grows; what was copied of it stays right.
    return now.path == case_log_name ? now.size >= copied.size : now.size == copied.size && now.mtime == copied.mtime;
}

} // namespace salvage::rescue
