// Extended attributes of ext2, ext3 and ext4: in the inode, in a block, in an inode of their own.
#include "attributes.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace salvage::filesystem::ext {
namespace {

constexpr std::uint32_t attribute_magic = 0xEA020000;
constexpr std::size_t inode_header_bytes = 4;
constexpr std::size_t block_header_bytes = 32;
constexpr std::size_t entry_bytes = 16; // without the name
constexpr std::uint8_t system_index = 7;

// Spec: Linux, fs/ext4/xattr.h, EXT4_XATTR_INDEX_*.
constexpr std::array<std::string_view, 11> prefixes{"",
                                                    "user.",
                                                    "system.posix_acl_access",
                                                    "system.posix_acl_default",
                                                    "trusted.",
                                                    "lustre.",
                                                    "security.",
                                                    "system.",
                                                    "system.richacl",
                                                    "encryption.",
                                                    "gnu."};

/// Entries of `table` from `at` on, values counted from `values_from`.
class Table {
public:
    Table(ByteView table, std::size_t at, std::size_t values_from) : table_{table}, at_{at}, values_from_{values_from}
    {
    }

    Result<std::vector<Attribute>> read()
    {
        std::vector<Attribute> out; // bounded: an entry has 16 bytes of a block at least
        while (!is_at_end()) {
            out.push_back(SALVAGE_TRY(next()));
        }
        return out;
    }

private:
    [[nodiscard]] bool is_at_end() const noexcept
    {
        return table_.size() - at_ < 4 || load_le<std::uint32_t>(table_.subspan(at_)) == 0;
    }

    Result<Attribute> next()
    {
        const auto start = at_;
        if (table_.size() - at_ < entry_bytes) {
            return malformed(ByteOffset{at_}, "an extended attribute's entry is cut short");
        }
        const auto entry = table_.subspan(at_);
        const auto name_bytes = std::to_integer<std::size_t>(entry[0]);
        if (entry.size() - entry_bytes < name_bytes) {
            return malformed(ByteOffset{at_}, "an extended attribute's name is cut short",
                             fmt::format("{} bytes", name_bytes));
        }
        Attribute out;
        out.name_index = std::to_integer<std::uint8_t>(entry[1]);
        out.name = as_text(entry.subspan(entry_bytes, name_bytes));
        out.value_inode = load_le<std::uint32_t>(entry.subspan(4));
        out.value_bytes = load_le<std::uint32_t>(entry.subspan(8));
        at_ = std::min(table_.size(), at_ + (entry_bytes + name_bytes + 3) / 4 * 4);
        SALVAGE_TRY(read_value(load_le<std::uint16_t>(entry.subspan(2)), start, out));
        return out;
    }

    Result<> read_value(std::size_t value_at, std::size_t entry_at, Attribute& out)
    {
        if (out.value_bytes > max_attribute_bytes) {
            return malformed(ByteOffset{entry_at}, "an extended attribute's value is too large",
                             fmt::format("{} bytes, at most {}", out.value_bytes, max_attribute_bytes));
        }
        if (out.value_inode != 0) {
            return {};
        }
        const auto start = values_from_ + value_at;
        if (start > table_.size() || table_.size() - start < out.value_bytes) {
            return malformed(ByteOffset{entry_at}, "an extended attribute's value lies outside its place",
                             fmt::format("{} bytes at {} of {}", out.value_bytes, start, table_.size()));
        }
        value_bytes_ += out.value_bytes;
        if (value_bytes_ > table_.size()) {
            return malformed(ByteOffset{entry_at}, "extended attributes share the place of their values");
        }
        const auto value = table_.subspan(start, out.value_bytes);
        out.value.assign(value.begin(), value.end());
        return {};
    }

    ByteView table_;
    std::size_t at_;
    std::size_t values_from_;
    std::size_t value_bytes_{0};
};

bool is_acl(const Attribute& attribute) noexcept
{
    return (attribute.name_index == 2 || attribute.name_index == 3) && attribute.name.empty();
}

void append_acl_entry(Bytes& out, std::uint16_t tag, std::uint16_t permissions, std::uint32_t id)
{
    std::array<std::byte, 8> entry{};
    store_le(entry, tag | std::uint32_t{permissions} << 16U);
    store_le(std::span{entry}.subspan(4), id);
    out.insert(out.end(), entry.begin(), entry.end());
}

/// On the disk an entry without an id has 4 bytes; in an attribute each has 8.  Nothing where it is malformed.
/// Spec: Linux, fs/ext4/acl.h and include/uapi/linux/posix_acl_xattr.h.
std::optional<Bytes> acl_for_people(ByteView disk)
{
    constexpr std::uint32_t disk_version = 1;
    constexpr std::uint32_t attribute_version = 2;
    constexpr std::uint32_t no_id = 0xFFFFFFFF;
    if (disk.size() < 4 || load_le<std::uint32_t>(disk) != disk_version) {
        return std::nullopt;
    }
    Bytes out(4);
    store_le(out, attribute_version);
    for (disk = disk.subspan(4); !disk.empty();) {
        if (disk.size() < 4) {
            return std::nullopt;
        }
        const auto tag = load_le<std::uint16_t>(disk);
        const bool has_id = tag == 2 || tag == 8; // ACL_USER, ACL_GROUP
        const std::size_t size = has_id ? 8 : 4;
        if (disk.size() < size) {
            return std::nullopt;
        }
        append_acl_entry(out, tag, load_le<std::uint16_t>(disk.subspan(2)),
                         has_id ? load_le<std::uint32_t>(disk.subspan(4)) : no_id);
        disk = disk.subspan(size);
    }
    return out;
}

} // namespace

Result<std::vector<Attribute>> parse_inode_attributes(ByteView rest)
{
    if (rest.size() < inode_header_bytes || load_le<std::uint32_t>(rest) != attribute_magic) {
        return std::vector<Attribute>{};
    }
    return Table(rest, inode_header_bytes, inode_header_bytes).read();
}

Result<std::vector<Attribute>> parse_block_attributes(ByteView block)
{
    if (block.size() < block_header_bytes || load_le<std::uint32_t>(block) != attribute_magic) {
        return malformed(ByteOffset{0}, "a block of extended attributes has no valid magic",
                         fmt::format("found {}, expected 00 00 02 EA",
                                     to_spaced_hex(block.first(std::min<std::size_t>(4, block.size())))));
    }
    return Table(block, block_header_bytes, 0).read();
}

std::string full_name(const Attribute& attribute)
{
    if (attribute.name_index == 0 || attribute.name_index >= prefixes.size()) {
        return fmt::format("index{}.{}", attribute.name_index, attribute.name);
    }
    return std::string{prefixes[attribute.name_index]} + attribute.name;
}

Bytes value_for_people(const Attribute& attribute, Bytes value)
{
    if (!is_acl(attribute)) {
        return value;
    }
    auto acl = acl_for_people(value);
    return acl ? std::move(*acl) : std::move(value);
}

bool is_inline_data(const Attribute& attribute) noexcept
{
    return attribute.name_index == system_index && attribute.name == "data";
}

} // namespace salvage::filesystem::ext
