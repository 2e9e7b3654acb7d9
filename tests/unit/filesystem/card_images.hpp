// Volumes of memory cards: made by dosfstools and mtools, or written by exfat-fuse and ntfs-3g and kept.
#pragma once

#include <algorithm>
#include <sstream>

#include "trees.hpp"

namespace salvage::test {

inline bool have_fat_tools()
{
    return run_command("PATH=$PATH:/sbin:/usr/sbin; command -v mkfs.vfat mcopy mdel mdir >/dev/null").has_value();
}

/// A shell line with mtools' settings: UTC, UTF-8, no checks of a disk's geometry.
inline std::string fat_tools(const std::string& line)
{
    return "export PATH=$PATH:/sbin:/usr/sbin TZ=UTC LC_ALL=C.UTF-8 MTOOLS_SKIP_CHECK=1; " + line;
}

inline std::filesystem::path card_data(const std::string& name)
{
    return sample("card") / name;
}

inline Bytes card_image(const std::string& name)
{
    return unpacked(card_data(name + ".img.zst"));
}

/// Path and SHA-256 of each file of a kept volume, those that were deleted since among them.
inline std::map<std::string, std::string> card_sums(const std::string& name)
{
    std::map<std::string, std::string> out;
    std::istringstream lines{must_run("cat " + card_data(name + ".sums").string())};
    for (std::string line; std::getline(lines, line);) {
        out.emplace(line.substr(66), line.substr(0, 64));
    }
    return out;
}

inline bool is_deleted_of_card(const std::string& path)
{
    return path.starts_with("deleted");
}

inline const filesystem::DeletedFile* find_deleted(const std::vector<filesystem::DeletedFile>& files,
                                                   const std::string& folder, const std::string& name)
{
    const auto found = std::ranges::find_if(
        files, [&](const filesystem::DeletedFile& file) { return file.folder == folder && file.entry.name == name; });
    return found == files.end() ? nullptr : &*found;
}

inline std::uint64_t total_of(const std::vector<ByteRange>& ranges)
{
    std::uint64_t out = 0;
    for (const auto& range : ranges) {
        out += range.size().value;
    }
    return out;
}

/// Content of a deleted file that is all there.
inline Bytes content_of_deleted(const filesystem::DeletedFile& file)
{
    return io::read_all(*file.content, ByteCount{1U << 24U}).value();
}

} // namespace salvage::test
