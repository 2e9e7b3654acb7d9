// Extended attributes of EROFS: behind the inode, or shared by many.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"

namespace salvage::filesystem::erofs {

struct Attribute {
    std::uint8_t prefix{}; ///< number of a prefix; with the bit 0x80 of a long one, which the volume keeps
    std::string name;      ///< without the prefix
    Bytes value;
};
constexpr std::uint8_t is_long_prefix = 0x80;

/// What stands behind an inode.
struct AttributeArea {
    std::vector<std::uint32_t> shared; ///< where the shared ones lie, in units of 4 bytes
    std::vector<Attribute> own;
};

/// A long prefix: one of the short ones, and what follows it in the name.
struct LongPrefix {
    std::uint8_t base{};
    std::string infix;
};

constexpr std::size_t attribute_header_bytes = 4;

/// `area` is all that belongs to attributes behind an inode; nothing where it is empty.
/// Errors: malformed (where = offset in `area`).
/// Spec: Linux, fs/erofs/erofs_fs.h, struct erofs_xattr_ibody_header, struct erofs_xattr_entry.
[[nodiscard]] Result<AttributeArea> parse_attribute_area(ByteView area);

/// How many bytes an attribute has, from its first 4: without the filling to a multiple of 4.
[[nodiscard]] std::size_t attribute_bytes(ByteView header) noexcept;
/// Requires: attribute_bytes() of them.
[[nodiscard]] Attribute parse_attribute(ByteView bytes);

/// "user.note", "security.selinux", …; an unknown prefix is shown as its number.
[[nodiscard]] std::string full_name(const Attribute& attribute, const std::vector<LongPrefix>& long_prefixes);

} // namespace salvage::filesystem::erofs
