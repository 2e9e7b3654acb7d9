// Inodes of EROFS.
#include "inode.hpp"

#include <bit>
#include <limits>
#include <utility>

#include <fmt/format.h>

namespace salvage::filesystem::erofs {
namespace {

constexpr std::uint32_t is_extended = 0x1;
constexpr std::uint32_t known_format_bits = 0xF;
constexpr std::uint32_t attribute_header_bytes = 12;

Error impossible(std::size_t at, std::string_view field, std::uint64_t value, std::string_view expected)
{
    return malformed(ByteOffset{at}, "an inode of EROFS contradicts itself",
                     fmt::format("{} is {} ({:#x}), expected {}", field, value, value, expected));
}

void read_compact(const Fields& fields, const Superblock& superblock, Inode& out)
{
    out.own_bytes = compact_inode_bytes;
    out.links = fields.u16(6);
    out.size = fields.u32(8);
    out.uid = fields.u16(24);
    out.gid = fields.u16(26);
    out.modified = {.seconds = std::bit_cast<std::int64_t>(superblock.time_seconds),
                    .nanoseconds = superblock.time_nanoseconds};
}

Result<> read_extended(const Fields& fields, Inode& out)
{
    out.own_bytes = extended_inode_bytes;
    out.size = fields.u64(8);
    out.uid = fields.u32(24);
    out.gid = fields.u32(28);
    out.modified = {.seconds = std::bit_cast<std::int64_t>(fields.u64(32)), .nanoseconds = fields.u32(40)};
    out.links = fields.u32(44);
    if (out.modified.nanoseconds >= 1'000'000'000) {
        return impossible(40, "i_mtime_nsec", out.modified.nanoseconds, "less than a second");
    }
    if (out.size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        return impossible(8, "i_size", out.size, "what fits in 63 bits");
    }
    return {};
}

} // namespace

std::size_t inode_bytes(ByteView start) noexcept
{
    return (load_le<std::uint16_t>(start) & is_extended) != 0 ? extended_inode_bytes : compact_inode_bytes;
}

Result<Inode> parse_inode(ByteView bytes, const Superblock& superblock)
{
    const Fields fields{bytes};
    const std::uint32_t format = fields.u16(0);
    const auto layout = (format & known_format_bits) >> 1U;
    if ((format & ~known_format_bits) != 0 || layout > static_cast<unsigned>(DataLayout::chunks)) {
        return impossible(0, "i_format", format, "a layout from 0 to 4 and no other bits");
    }
    Inode out;
    out.layout = static_cast<DataLayout>(layout);
    out.mode = fields.u16(4);
    out.word = fields.u32(16);
    if (out.type() == EntryType::unknown) {
        return impossible(4, "i_mode", out.mode, "a known type of file");
    }
    const std::uint32_t attribute_units = fields.u16(2);
    out.attribute_bytes = attribute_units == 0 ? 0 : attribute_header_bytes + 4 * (attribute_units - 1);
    if ((format & is_extended) != 0) {
        SALVAGE_TRY(read_extended(fields, out));
    } else {
        read_compact(fields, superblock, out);
    }
    return out;
}

Entry make_entry(std::string name, const Inode& inode)
{
    auto out = entry_of_inode(std::move(name), inode);
    out.device = is_device(out.type) ? device_number(inode.word) : 0;
    // There is one time; Linux shows it as all three.
    out.modified = inode.modified;
    out.accessed = inode.modified;
    out.changed = inode.modified;
    return out;
}

} // namespace salvage::filesystem::erofs
