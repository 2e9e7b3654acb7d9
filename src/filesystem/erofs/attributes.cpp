// Extended attributes of EROFS.
#include "attributes.hpp"

#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "layout.hpp"

namespace salvage::filesystem::erofs {
namespace {

constexpr std::size_t area_header_bytes = 12;

// Spec: Linux, fs/erofs/erofs_fs.h, EROFS_XATTR_INDEX_*.
constexpr std::array<std::string_view, 7> prefixes{
    "", "user.", "system.posix_acl_access", "system.posix_acl_default", "trusted.", "lustre.", "security."};

std::string with_prefix(unsigned prefix, std::string_view rest)
{
    if (prefix == 0 || prefix >= prefixes.size()) {
        return fmt::format("index{}.{}", prefix, rest);
    }
    return std::string{prefixes[prefix]} + std::string{rest};
}

} // namespace

std::size_t attribute_bytes(ByteView header) noexcept
{
    const Fields fields{header};
    return attribute_header_bytes + std::size_t{fields.u8(0)} + fields.u16(2);
}

Attribute parse_attribute(ByteView bytes)
{
    const Fields fields{bytes};
    const std::size_t name_bytes = fields.u8(0);
    const auto value = bytes.subspan(attribute_header_bytes + name_bytes);
    return {.prefix = fields.u8(1),
            .name = std::string{as_text(fields.slice(attribute_header_bytes, name_bytes))},
            .value = Bytes{value.begin(), value.end()}};
}

Result<AttributeArea> parse_attribute_area(ByteView area)
{
    AttributeArea out;
    if (area.empty()) {
        return out;
    }
    if (area.size() < area_header_bytes) {
        return truncated(ByteOffset{area.size()}, "the area of extended attributes is cut short");
    }
    const auto shared = std::to_integer<std::size_t>(area[4]);
    if (shared * 4 > area.size() - area_header_bytes) {
        return malformed(ByteOffset{4}, "there are more shared attributes than have room",
                         fmt::format("{} in {} bytes", shared, area.size()));
    }
    for (std::size_t i = 0; i < shared; ++i) {
        out.shared.push_back(load_le<std::uint32_t>(area.subspan(area_header_bytes + 4 * i)));
    }
    for (auto at = area_header_bytes + 4 * shared; at < area.size();) {
        const auto rest = area.subspan(at); // a multiple of 4, and not empty
        const auto bytes = attribute_bytes(rest);
        if (bytes > rest.size()) {
            return malformed(ByteOffset{at}, "an extended attribute does not fit behind its inode",
                             fmt::format("{} bytes in {}", bytes, rest.size()));
        }
        out.own.push_back(parse_attribute(rest.first(bytes)));
        at += round_up(bytes, 4);
    }
    return out;
}

std::string full_name(const Attribute& attribute, const std::vector<LongPrefix>& long_prefixes)
{
    if ((attribute.prefix & is_long_prefix) == 0) {
        return with_prefix(attribute.prefix, attribute.name);
    }
    const auto index = std::size_t{attribute.prefix} & ~std::size_t{is_long_prefix};
    if (index >= long_prefixes.size()) {
        return with_prefix(attribute.prefix, attribute.name);
    }
    return with_prefix(long_prefixes[index].base, long_prefixes[index].infix + attribute.name);
}

} // namespace salvage::filesystem::erofs
