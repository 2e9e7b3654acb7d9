// An inode of ext2, ext3 and ext4: bytes to a value.
#include "inode.hpp"

#include <algorithm>
#include <utility>

namespace salvage::filesystem::ext {
namespace {

constexpr std::size_t fixed_bytes = 128;
constexpr std::uint32_t max_nanoseconds = 999'999'999;

/// Little-endian fields; zero where the inode is too short to have them.
class Fields {
public:
    Fields(ByteView bytes, std::size_t end) noexcept : bytes_{bytes.first(std::min(bytes.size(), end))} {}
    [[nodiscard]] bool has(std::size_t at, std::size_t count) const noexcept { return at + count <= bytes_.size(); }
    [[nodiscard]] std::uint32_t u32(std::size_t at) const noexcept
    {
        return has(at, 4) ? load_le<std::uint32_t>(bytes_.subspan(at)) : 0;
    }
    [[nodiscard]] std::uint16_t u16(std::size_t at) const noexcept
    {
        return has(at, 2) ? load_le<std::uint16_t>(bytes_.subspan(at)) : std::uint16_t{0};
    }

private:
    ByteView bytes_;
};

/// Seconds are signed 32 bits with two more above them, the other 30 bits of `extra` are nanoseconds.
Timestamp timestamp(std::uint32_t seconds, std::uint32_t extra) noexcept
{
    const auto low = static_cast<std::int64_t>(static_cast<std::int32_t>(seconds));
    const auto epoch = static_cast<std::int64_t>(extra & 3U) << 32U;
    return {.seconds = low + epoch, .nanoseconds = std::min(extra >> 2U, max_nanoseconds)};
}

void read_times(const Fields& fields, Inode& out)
{
    out.accessed = timestamp(fields.u32(0x8), fields.u32(0x8C));
    out.changed = timestamp(fields.u32(0xC), fields.u32(0x84));
    out.modified = timestamp(fields.u32(0x10), fields.u32(0x88));
    if (fields.has(0x90, 8)) {
        out.created = timestamp(fields.u32(0x90), fields.u32(0x94));
    }
}

/// Where the fields end and the attributes begin.
std::size_t end_of_fields(ByteView bytes) noexcept
{
    if (bytes.size() < fixed_bytes + 4) {
        return fixed_bytes;
    }
    const auto extra = load_le<std::uint16_t>(bytes.subspan(fixed_bytes)); // i_extra_isize
    const bool is_sane = extra % 4 == 0 && fixed_bytes + extra <= bytes.size();
    return is_sane ? fixed_bytes + extra : fixed_bytes;
}

} // namespace

Inode parse_inode(std::uint32_t number, ByteView bytes)
{
    const auto end = end_of_fields(bytes);
    const Fields fields{bytes, end};
    Inode out;
    out.number = number;
    out.generation = fields.u32(0x64);
    out.mode = fields.u16(0);
    out.uid = fields.u16(0x2) | std::uint32_t{fields.u16(0x78)} << 16U;
    out.gid = fields.u16(0x18) | std::uint32_t{fields.u16(0x7A)} << 16U;
    out.links = fields.u16(0x1A);
    out.flags = fields.u32(0x20);
    // In a directory the upper half was once something else; with large_dir it is the size again, and zero otherwise.
    out.size = fields.u32(0x4) | std::uint64_t{fields.u32(0x6C)} << 32U;
    out.attributes_block = fields.u32(0x68) | std::uint64_t{fields.u16(0x76)} << 32U;
    read_times(fields, out);
    out.deleted = fields.u32(0x14);
    std::ranges::copy(bytes.subspan(0x28, out.block.size()), out.block.begin());
    const auto rest = bytes.subspan(std::min(end, bytes.size()));
    // Without extra fields the attributes would begin where i_extra_isize stands: there are none then.
    if (end > fixed_bytes) {
        out.rest.assign(rest.begin(), rest.end());
    }
    return out;
}

Entry make_entry(std::string name, const Inode& inode)
{
    auto out = entry_of_inode(std::move(name), inode);
    if (is_device(out.type)) {
        out.device = device_number(load_le<std::uint32_t>(inode.block),
                                   load_le<std::uint32_t>(ByteView{inode.block}.subspan(4)));
    }
    out.modified = inode.modified;
    out.accessed = inode.accessed;
    out.changed = inode.changed;
    out.created = inode.created;
    out.is_encrypted = inode.has(inode_flag::encrypt);
    return out;
}

} // namespace salvage::filesystem::ext
