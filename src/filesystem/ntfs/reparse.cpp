// Reparse points of NTFS.
#include "reparse.hpp"

#include <algorithm>
#include <cstdint>

#include "filesystem/utf16.hpp"

namespace salvage::filesystem::ntfs {
namespace {

constexpr std::uint32_t mount_point = 0xA0000003;
constexpr std::uint32_t symbolic_link = 0xA000000C;
constexpr std::uint32_t linux_link = 0xA000001D;
constexpr std::size_t header_bytes = 8;
constexpr std::size_t names_header_bytes = 8;

/// A name that may hold '\' and '/': each part for itself, or its '/' would be replaced.
std::string path_from_utf16(ByteView bytes)
{
    std::string out;
    std::size_t start = 0;
    for (std::size_t at = 0; at + 2 <= bytes.size(); at += 2) {
        const auto unit = load_le<std::uint16_t>(bytes.subspan(at));
        if (unit == '\\' || unit == '/') {
            out += name_from_utf16(bytes.subspan(start, at - start)) + "/";
            start = at + 2;
        }
    }
    return out + name_from_utf16(bytes.subspan(start));
}

std::optional<std::string> name_in(ByteView names, ByteView buffer)
{
    // The name for people stands second; where it is empty, the one for the system is taken.
    for (const std::size_t field : {4U, 0U}) {
        const std::size_t at = load_le<std::uint16_t>(names.subspan(field));
        const std::size_t bytes = load_le<std::uint16_t>(names.subspan(field + 2));
        if (bytes != 0 && at <= buffer.size() && bytes <= buffer.size() - at) {
            return path_from_utf16(buffer.subspan(at, bytes));
        }
    }
    return std::nullopt;
}

} // namespace

std::optional<std::uint32_t> reparse_tag(ByteView value) noexcept
{
    return value.size() < 4 ? std::nullopt : std::optional{load_le<std::uint32_t>(value)};
}

bool is_link_tag(std::uint32_t tag) noexcept
{
    return tag == mount_point || tag == symbolic_link || tag == linux_link;
}

std::optional<std::string> link_target(ByteView value)
{
    if (value.size() < header_bytes + names_header_bytes + 4) {
        return std::nullopt;
    }
    const auto tag = load_le<std::uint32_t>(value);
    const auto data = value.subspan(header_bytes);
    if (tag == mount_point) {
        return name_in(data, data.subspan(names_header_bytes));
    }
    if (tag == symbolic_link) {
        return name_in(data, data.subspan(names_header_bytes + 4));
    }
    if (tag == linux_link) {
        const auto text = as_text(data.subspan(4, std::min<std::size_t>(data.size() - 4, 4096)));
        return std::string{text.substr(0, text.find('\0'))};
    }
    return std::nullopt;
}

} // namespace salvage::filesystem::ntfs
