// Photographs for the sample phone.
#pragma once

#include <cstdint>
#include <string_view>

#include "salvage/core/bytes.hpp"

namespace salvage::rescue::sample {

struct PhotoSpec {
    unsigned width{480};                           ///< a multiple of 8
    unsigned height{360};                          ///< a multiple of 8
    std::uint64_t look{};                          ///< colours and place of the sun
    std::string_view taken{"2017:08:12 18:04:11"}; ///< EXIF DateTimeOriginal, 19 characters
};

/// A baseline JPEG (ITU-T T.81) with EXIF: an evening sky over water.  The same spec gives the same bytes.
[[nodiscard]] Bytes make_photo(const PhotoSpec& spec);

} // namespace salvage::rescue::sample
