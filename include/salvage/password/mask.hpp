// Masks: a place-by-place description of candidates, in the language that hashcat documents (docs/formats/masks.md).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "salvage/core/result.hpp"
#include "salvage/password/keyspace.hpp"

namespace salvage::password {

inline constexpr unsigned custom_charsets = 4;   // -1 to -4
inline constexpr unsigned max_mask_places = 256; // hashcat's own bound

/// How literal bytes are written in masks and custom charsets.
enum class MaskNotation : std::uint8_t {
    text, ///< as themselves
    hex,  ///< as two hex digits a byte: hashcat's --hex-charset
};

/// The mask cut to its first `min` places, then `min` + 1 and so on.  Bounds beyond the mask mean its length.
struct MaskIncrement {
    unsigned min{1};
    unsigned max{max_mask_places};
};

/// A custom charset as it is typed: `?l?d-_`, or the path of a file whose name ends in ".hcchr".  One may use those of
/// lower numbers.  Empty: not defined.
using CustomCharsets = std::array<std::string, custom_charsets>;

struct MaskSpec {
    std::string mask; ///< `?u?l?l?l19?d?d`
    CustomCharsets charsets{};
    MaskNotation notation{MaskNotation::text};
    std::optional<MaskIncrement> increment{};
};

/// Every candidate of the mask exactly once, shorter cuts of it first.  Within one length: each place takes the bytes
/// of its charset in the order in which they were named (`?l`: a to z), the last place changing fastest.  That is not
/// hashcat's order, which follows a statistic and the kind of the hash.
/// Errors: invalid_argument (names column and character; more than 2^64 candidates); io (a charset file).
[[nodiscard]] Result<KeyspacePtr> make_mask(const MaskSpec& spec);

/// What the lines of a mask file share.  Charsets stand in the lines themselves.
struct MaskFileSpec {
    std::string path; ///< usually *.hcmask
    MaskNotation notation{MaskNotation::text};
    std::optional<MaskIncrement> increment{}; ///< of every line; lines shorter than its `min` are an error
};

/// The masks of a file (`[?1,][?2,][?3,][?4,]mask` a line) one after another.  A candidate that two lines describe
/// comes twice.  Memory: 4 bytes a place, and each different charset once. Errors: io; unsupported (over 4 MiB);
/// invalid_argument (line, column and character).
[[nodiscard]] Result<KeyspacePtr> make_mask_file(const MaskFileSpec& spec);

} // namespace salvage::password
