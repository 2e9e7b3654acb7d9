// Extended attributes of f2fs: in the inode, and going on in a node of their own.
#pragma once

#include "filesystem/ext/attributes.hpp"

namespace salvage::filesystem::f2fs {

/// `area` is the room in the inode with that of the node behind it; an entry may reach from one into the other.  None
/// where it is all zero.  The names and values have the same form as those of ext4.
/// Errors: malformed (where = offset in `area`).  Spec: Linux, fs/f2fs/xattr.h.
[[nodiscard]] Result<std::vector<ext::Attribute>> parse_attributes(ByteView area);

} // namespace salvage::filesystem::f2fs
