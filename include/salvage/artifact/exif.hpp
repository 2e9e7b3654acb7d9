// What a photo tells of itself: when and where it was taken, by what, and which way up it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/units.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::artifact {

/// When the camera says a photo was taken.
struct TakenTime {
    std::int64_t local_seconds{};      ///< what its clock showed, as if that were UTC: seconds since 1970
    std::optional<int> offset_minutes; ///< of its clock from UTC, east positive; most phones before 2018 do not say
};

struct GpsPlace {
    double latitude{};  ///< degrees, north positive, -90 to 90
    double longitude{}; ///< degrees, east positive, -180 to 180
    std::optional<double> altitude_metres;
};

/// Everything may be missing; what is malformed is missing, too.
struct PhotoFacts {
    std::optional<TakenTime> taken;
    std::uint8_t orientation{
        1}; ///< 1 to 8, as EXIF counts: 1 upright, 3 upside down, 6 and 8 on its side, others mirrored
    std::optional<std::uint32_t> width; ///< of the stored picture in pixels, before it is turned
    std::optional<std::uint32_t> height;
    std::optional<GpsPlace> place;
    std::string make;                   ///< of the camera; at most 64 bytes, as they stand
    std::string model;                  ///< the same
    std::optional<ByteRange> thumbnail; ///< of the file: a whole JPEG
};

/// Reads the head of a JPEG or PNG: at most 1 MiB, however large the file is.  A photo without EXIF has its size alone.
/// No state; thread safe.
/// Errors: not_found (neither JPEG nor PNG), unreadable, io.
/// Spec: EXIF 2.32; ITU T.81 annex B (JPEG's markers); PNG, 11.2.2 IHDR.
[[nodiscard]] Result<PhotoFacts> read_photo_facts(const io::ByteSource& photo);

/// The same of bytes that are at hand: the file's first ones.
[[nodiscard]] Result<PhotoFacts> parse_photo_facts(ByteView head);

} // namespace salvage::artifact
