// The formats in the order in which they are asked, and paths within an open filesystem.
#include <array>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "probes.hpp"
#include "salvage/core/text.hpp"

namespace salvage::filesystem {
namespace {

struct Format {
    std::string_view name;
    ProbeResult (*probe)(const io::SourcePtr& source);
};

// The first that answers is taken.  ext comes first: its superblock leaves the first 1024 bytes alone, where a boot
// sector of another time may still lie.  Backups come last: they outlive the filesystem.
constexpr std::array formats{
    Format{.name = "ext2, ext3, ext4", .probe = probe_ext},
    Format{.name = "f2fs", .probe = probe_f2fs},
    Format{.name = "EROFS", .probe = probe_erofs},
    Format{.name = "SquashFS", .probe = probe_unsupported},
    Format{.name = "FAT, exFAT", .probe = probe_fat},
    Format{.name = "NTFS", .probe = probe_ntfs},
    Format{.name = "second superblock of f2fs", .probe = probe_f2fs_by_copy},
    Format{.name = "backup boot sector of FAT32 and exFAT", .probe = probe_fat_by_backup},
    Format{.name = "copy of the boot sector of NTFS", .probe = probe_ntfs_by_copy},
    Format{.name = "backup superblocks of ext", .probe = probe_ext_by_backups},
};

constexpr std::array<std::string_view, 8> type_names{"file",   "directory",        "symlink",      "fifo",
                                                     "socket", "character device", "block device", "unknown"};

Error nothing_recognised(const io::ByteSource& source)
{
    std::string looked_for;
    for (const auto& format : formats) {
        looked_for += looked_for.empty() ? "" : ", ";
        looked_for += format.name;
    }
    auto error = not_found("no filesystem was recognised", fmt::format("looked for: {}", looked_for),
                           "an encrypted volume looks like this until it is decrypted; so does a wrong start");
    error.where = source.locate(ByteOffset{0});
    return error;
}

Error part_is_missing(std::string_view path, std::string_view part)
{
    return not_found("there is no such path in the filesystem",
                     fmt::format("{} has no part \"{}\"", printable(path), printable(part)));
}

Result<Entry> find_part(const FileSystem& filesystem, const Entry& folder, std::string_view path, std::string_view part)
{
    if (folder.type != EntryType::directory) {
        return not_found("there is no such path in the filesystem",
                         fmt::format("{}: \"{}\" is no directory but a {}", printable(path), printable(folder.name),
                                     to_string(folder.type)));
    }
    std::vector<Entry> readable;
    auto all = filesystem.list(folder.inode, &readable);
    auto& entries = all.has_value() ? *all : readable;
    for (auto& entry : entries) {
        if (entry.name == part) {
            return std::move(entry);
        }
    }
    if (!all.has_value()) {
        return std::move(all).error().in(fmt::format("looking for \"{}\"", printable(part)));
    }
    return part_is_missing(path, part);
}

} // namespace

std::string_view to_string(EntryType type) noexcept
{
    const auto index = static_cast<std::size_t>(type);
    return index < type_names.size() ? type_names[index] : "unknown";
}

std::string_view to_string(Confidence confidence) noexcept
{
    switch (confidence) {
    case Confidence::high: return "high";
    case Confidence::medium: return "medium";
    case Confidence::low: break;
    }
    return "low";
}

Result<std::vector<DeletedFile>> FileSystem::deleted_files(const RunContext& /*context*/) const
{
    return unsupported(fmt::format("deleted files are not looked for in {}", kind()));
}

Result<std::vector<ByteRange>> FileSystem::unused_areas() const
{
    return unsupported(fmt::format("unused areas are not known of {}", kind()));
}

Result<std::unique_ptr<const FileSystem>> open(const io::SourcePtr& source)
{
    for (const auto& format : formats) {
        auto found = SALVAGE_TRY(format.probe(source));
        if (found) {
            return found;
        }
    }
    return nothing_recognised(*source);
}

Result<Entry> find_path(const FileSystem& filesystem, std::string_view path)
{
    auto here = filesystem.root();
    for (std::size_t at = 0; at < path.size();) {
        const auto end = std::min(path.find('/', at), path.size());
        const auto part = path.substr(at, end - at);
        at = end + 1;
        if (!part.empty() && part != ".") {
            here = SALVAGE_TRY(find_part(filesystem, here, path, part));
        }
    }
    return here;
}

} // namespace salvage::filesystem
