// A photo made small, the right way up, whatever its bytes are.
#pragma once

#include <cstdint>

#include "salvage/artifact/exif.hpp"
#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::artifact {

/// Largest photo that is decoded.
inline constexpr ByteCount max_photo_bytes{64U << 20U};
inline constexpr std::uint64_t max_photo_pixels = 120'000'000; // beyond any phone that this program opens

/// A JPEG of at most `side` pixels a side, turned as `facts` says.  The preview that the photo brings along is taken
/// where it has the photo's shape; else the photo is decoded at the smallest scale that does.
/// Memory: the file, and some bytes a pixel of the smaller picture; of a progressive photo 6 bytes a pixel.
/// Errors: unsupported (larger than the limits), malformed (no JPEG, or it cannot be decoded), unreadable, io.
[[nodiscard]] Result<Bytes> make_thumbnail(const io::ByteSource& photo, const PhotoFacts& facts, std::uint32_t side);

} // namespace salvage::artifact
