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

// Each magic is in the format's own words and has four bytes at least, or stands with others below.
constexpr std::array known{
    // Linux, fs/squashfs/squashfs_fs.h: "hsqs" at 0.
    Known{.name = "SquashFS", .at = 0, .magic = "hsqs"sv, .hint = "unpack a copy of it with unsquashfs"},
};

constexpr std::size_t window_bytes = 512;

bool is_at(ByteView head, const Known& format) noexcept
{
    return head.size() >= format.at + format.magic.size() &&
           as_text(head.subspan(format.at, format.magic.size())) == format.magic;
}

Error refused(const io::ByteSource& source, std::string_view name, std::size_t at, std::string_view hint)
{
    auto error = unsupported(fmt::format("the filesystem is {}, which is not read", name),
                             "ext2, ext3, ext4, f2fs, EROFS, FAT, exFAT and NTFS are", hint);
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
    return nullptr;
}

} // namespace salvage::filesystem
