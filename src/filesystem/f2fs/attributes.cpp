// Extended attributes of f2fs.
#include "attributes.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace salvage::filesystem::f2fs {
namespace {

constexpr std::uint32_t attributes_magic = 0xF2F52011;
constexpr std::size_t header_bytes = 24;
constexpr std::size_t entry_bytes = 4;

constexpr std::size_t aligned(std::size_t bytes) noexcept
{
    return (bytes + 3) / 4 * 4;
}

} // namespace

Result<std::vector<ext::Attribute>> parse_attributes(ByteView area)
{
    std::vector<ext::Attribute> out;
    if (is_all_zero(area)) {
        return out;
    }
    if (area.size() < header_bytes || load_le<std::uint32_t>(area) != attributes_magic) {
        return malformed(ByteOffset{0}, "extended attributes have no valid magic",
                         fmt::format("found {}, expected 11 20 F5 F2",
                                     to_spaced_hex(area.first(std::min<std::size_t>(4, area.size())))));
    }
    for (std::size_t at = header_bytes; area.size() - at >= entry_bytes;) {
        const auto rest = area.subspan(at);
        if (load_le<std::uint32_t>(rest) == 0) {
            break;
        }
        const auto name_bytes = std::to_integer<std::size_t>(rest[1]);
        const std::size_t value_bytes = load_le<std::uint16_t>(rest.subspan(2));
        const auto bytes = aligned(entry_bytes + name_bytes + value_bytes);
        if (bytes > rest.size()) {
            return malformed(
                ByteOffset{at}, "an extended attribute is longer than its room",
                fmt::format("{} bytes of name, {} of value, {} left", name_bytes, value_bytes, rest.size()));
        }
        const auto value = rest.subspan(entry_bytes + name_bytes, value_bytes);
        out.push_back({.name_index = std::to_integer<std::uint8_t>(rest[0]),
                       .name = std::string{as_text(rest.subspan(entry_bytes, name_bytes))},
                       .value = Bytes{value.begin(), value.end()},
                       .value_inode = 0,
                       .value_bytes = static_cast<std::uint32_t>(value_bytes)});
        at += bytes;
    }
    return out;
}

} // namespace salvage::filesystem::f2fs
