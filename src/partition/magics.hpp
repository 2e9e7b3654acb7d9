// What a partition's first bytes say: filesystems, boot images, images with MediaTek's header, crypto footers.
#pragma once

#include <optional>
#include <string>

#include "salvage/core/bytes.hpp"
#include "salvage/core/units.hpp"

namespace salvage::partition {

struct Recognised {
    std::string what;              ///< "ext4", "f2fs", "boot image", "image", "crypto footer"
    std::string name;              ///< as the structure itself says: volume name, image name; may be empty
    std::optional<ByteCount> size; ///< where the structure tells it
};

constexpr std::uint64_t superblock_at = 0x400;
/// Bytes from a partition's start that recognise() needs to see everything it knows.
constexpr std::uint64_t magic_window_bytes = superblock_at + 0x160;

/// Looks at the first bytes of a partition; fewer than magic_window_bytes see less.
[[nodiscard]] std::optional<Recognised> recognise(ByteView head);
/// The two parts of it, for those who read only these bytes.
[[nodiscard]] std::optional<Recognised> recognise_front(ByteView front);
[[nodiscard]] std::optional<Recognised> recognise_superblock(ByteView superblock);

} // namespace salvage::partition
