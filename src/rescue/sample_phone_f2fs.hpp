// f2fs volumes of the sample phone, by f2fs-tools.
#pragma once

#include "sample_phone_volume.hpp"

namespace salvage::rescue::sample {

/// In less there is little room beside what f2fs keeps in reserve.
inline constexpr ByteCount least_f2fs_bytes{72U << 20U};

/// An f2fs image at `image` that holds the tree as sload.f2fs keeps it: names, contents, links, modes, owners and times
/// in seconds.  What it does not keep is taken from the list: fifos and extended attributes; without the rights to give
/// files away they have the owner who builds the phone.
Result<> make_f2fs_volume(Tree& tree, const std::filesystem::path& image, const VolumeOptions& options);

/// From the tables at the front to the last segment of 2 MiB that holds anything: sload.f2fs writes holes as blocks of
/// zeros, so an empty segment before that may be in use.
[[nodiscard]] Result<std::vector<ByteRange>> used_f2fs_ranges(const std::filesystem::path& image, ByteCount size);

/// Where in the image the first block of the staged file lies; found by the content of its first two.
[[nodiscard]] Result<std::vector<ByteOffset>> f2fs_blocks_of(const std::filesystem::path& image,
                                                             const std::filesystem::path& staged);

} // namespace salvage::rescue::sample
