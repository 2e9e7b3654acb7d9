// What a person types, in every form a phone may have fed to its key derivation.
#pragma once

#include <string_view>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/rescue/open.hpp"

namespace salvage::rescue {

/// The encodings a typed secret may stand for: the text itself; for distinct digits 1 to 9 also the pattern as early
/// Android 5 stored it (zero-based bytes); the text's own hex digits, as some Android 5 hardware paths took it.
[[nodiscard]] std::vector<GivenSecret> encodings_of(ByteView secret);

/// A pattern "1-4-7-8" on a side x side grid, digits counted row by row from 1, in both encodings.
/// Errors: invalid_argument (not a legal pattern).
[[nodiscard]] Result<std::vector<GivenSecret>> encodings_of_pattern(std::string_view dashed, unsigned side);

} // namespace salvage::rescue
