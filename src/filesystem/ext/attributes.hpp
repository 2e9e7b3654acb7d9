// Extended attributes of ext2, ext3 and ext4: in the inode, in a block, in an inode of their own.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"

namespace salvage::filesystem::ext {

struct Attribute {
    std::uint8_t name_index{};
    std::string name;             ///< without the prefix that name_index stands for
    Bytes value;                  ///< unless it lies in an inode of its own
    std::uint32_t value_inode{0}; ///< 0: the value is in `value`
    std::uint32_t value_bytes{0};
};

/// Linux keeps values to 64 KiB.
constexpr std::uint32_t max_attribute_bytes = 65536;

/// Attributes in what follows an inode's fields; none where there is no magic.
/// Errors: malformed (where = offset in `rest`).  Spec: Linux, Documentation/filesystems/ext4/attributes.rst.
[[nodiscard]] Result<std::vector<Attribute>> parse_inode_attributes(ByteView rest);
/// Attributes in a block.  Errors: malformed (where = offset in `block`).
[[nodiscard]] Result<std::vector<Attribute>> parse_block_attributes(ByteView block);

/// "user.note", "security.selinux", …; an unknown prefix is shown as its number.
[[nodiscard]] std::string full_name(const Attribute& attribute);
/// The value as getfattr shows it: access control lists have another form on the disk than in an attribute.
[[nodiscard]] Bytes value_for_people(const Attribute& attribute, Bytes value);
/// The part of inline data that did not fit into the inode's own field.
[[nodiscard]] bool is_inline_data(const Attribute& attribute) noexcept;

} // namespace salvage::filesystem::ext
