// Inodes that were deleted while they were open: the list through the inodes, and the file of newer kernels.
#pragma once

#include <cstdint>
#include <unordered_set>

#include "volume.hpp"

namespace salvage::filesystem::ext {

/// More files than a phone has open by two orders of magnitude.
constexpr std::size_t max_orphans = 1U << 20U;

/// Numbers in both lists; they may name inodes that are merely being cut short, which have links.  What cannot be read
/// is passed over.  Spec: Linux, Documentation/filesystems/ext4/orphan.rst.
[[nodiscard]] std::unordered_set<std::uint32_t> find_orphans(const Volume& volume);

} // namespace salvage::filesystem::ext
