// Unpacking a downloaded sparse image into a partition, as a bootloader does.  Private to the box.
#pragma once

#include <functional>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/units.hpp"

namespace salvage::device {

/// Writes at an offset from the partition's first byte.
using WritePartition = std::function<Result<>(ByteOffset at, ByteView bytes)>;

/// Unpacks chunk after chunk; what is don't-care is not written.  Nothing is written at or beyond `size`.
/// Errors: refused (`what` is what LK says), those of `write`.  What was written before an error stays.
Result<> write_sparse_image(ByteView image, ByteCount size, const WritePartition& write);

/// Writes one 32-bit word over and over.  Requires: `size` is a multiple of 4.
Result<> write_repeated(ByteOffset at, ByteCount size, std::uint32_t word, const WritePartition& write);

} // namespace salvage::device
