// Filesystems that are recognised so that they can be refused by name.
#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "probes.hpp"

namespace salvage::filesystem {
namespace {

using namespace std::string_view_literals;

struct Known {
    std::string_view name;
    std::size_t at;
    std::string_view magic;
    std::string_view hint;
};

constexpr std::string_view mount_hint =
    "write the volume out with `salvage decrypt` or `salvage split`, and mount that copy read-only";

// Each magic is in the format's own words and has four bytes at least, or stands with others below.
constexpr std::array known{
    // Linux, fs/squashfs/squashfs_fs.h: "hsqs" at 0.
    Known{.name = "SquashFS", .at = 0, .magic = "hsqs"sv, .hint = "unpack a copy of it with unsquashfs"},
    // exFAT specification, 3.1.2: FileSystemName at 3.
    Known{.name = "exFAT", .at = 3, .magic = "EXFAT   "sv, .hint = mount_hint},
    // NTFS: OEM ID at 3.
    Known{.name = "NTFS", .at = 3, .magic = "NTFS    "sv, .hint = mount_hint},
    // FAT32: BS_FilSysType at 82; FAT12 and FAT16: at 54.  Microsoft FAT specification, 3.2 and 3.3.
    Known{.name = "FAT32", .at = 82, .magic = "FAT32   "sv, .hint = mount_hint},
    Known{.name = "FAT16", .at = 54, .magic = "FAT16   "sv, .hint = mount_hint},
    Known{.name = "FAT12", .at = 54, .magic = "FAT12   "sv, .hint = mount_hint},
};

constexpr std::size_t window_bytes = 512;

bool is_at(ByteView head, const Known& format) noexcept
{
    return head.size() >= format.at + format.magic.size() &&
           as_text(head.subspan(format.at, format.magic.size())) == format.magic;
}

/// Many FATs name themselves "FAT" or nothing: jump, sector size, FAT count and the boot signature tell them then.
bool looks_like_fat(ByteView head) noexcept
{
    if (head.size() < 512 || load_le<std::uint16_t>(head.subspan(510)) != 0xAA55) {
        return false;
    }
    const auto sector = load_le<std::uint16_t>(head.subspan(11));
    const bool has_jump = head[0] == std::byte{0xEB} || head[0] == std::byte{0xE9};
    const bool has_sector = sector == 512 || sector == 1024 || sector == 2048 || sector == 4096;
    const auto per_cluster = std::to_integer<unsigned>(head[13]);
    const bool has_cluster = per_cluster != 0 && (per_cluster & (per_cluster - 1)) == 0;
    const bool has_tables = head[16] == std::byte{1} || head[16] == std::byte{2};
    const auto medium = std::to_integer<unsigned>(head[21]);
    return has_jump && has_sector && has_cluster && has_tables && (medium == 0xF0 || medium >= 0xF8);
}

Error refused(const io::ByteSource& source, std::string_view name, std::size_t at, std::string_view hint)
{
    auto error = unsupported(fmt::format("the filesystem is {}, which is not read", name),
                             "only ext2, ext3, ext4, f2fs and EROFS are", hint);
    error.where = source.locate(ByteOffset{at});
    return error;
}

} // namespace

ProbeResult probe_unsupported(const io::SourcePtr& source)
{
    const auto head = io::read_up_to(*source, ByteOffset{0}, ByteCount{window_bytes});
    if (!head.has_value()) {
        if (head.error().code == ErrorCode::unreadable) {
            return nullptr;
        }
        return head.error();
    }
    const auto* const found = std::ranges::find_if(known, [&](const Known& format) { return is_at(*head, format); });
    if (found != known.end()) {
        return refused(*source, found->name, found->at, found->hint);
    }
    if (looks_like_fat(*head)) {
        return refused(*source, "FAT", 0, mount_hint);
    }
    return nullptr;
}

} // namespace salvage::filesystem
