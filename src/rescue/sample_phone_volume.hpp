// ext4 volumes of the sample phone, by e2fsprogs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/core/units.hpp"
#include "sample_phone_tree.hpp"

namespace salvage::rescue::sample {

inline constexpr std::uint64_t volume_block_bytes = 4096;

struct VolumeOptions {
    ByteCount size{};
    std::string_view label{};
    bool has_checksums{false};
    bool has_encrypt_feature{false};
    std::uint64_t seed{}; ///< UUID and directory hash follow from it
};

/// An ext4 image at `image` that holds the tree, with owners and times as listed; adds /lost+found to the list.
Result<> make_volume(Tree& tree, const std::filesystem::path& image, const VolumeOptions& options);

/// What the block bitmaps say is in use, in bytes, in order.
[[nodiscard]] Result<std::vector<ByteRange>> used_ranges(const std::filesystem::path& image, ByteCount size);

/// The bytes of the image where each block of a file lies, in order; holes are left out.
[[nodiscard]] Result<std::vector<ByteOffset>> blocks_of(const std::filesystem::path& image, std::string_view path);

/// Creates /late in a way that only the journal knows: everything that makes it is a committed transaction, nothing of
/// it is in place, and needs_recovery is set.
Result<> make_journal_dirty(Tree& tree, const std::filesystem::path& image);

} // namespace salvage::rescue::sample
