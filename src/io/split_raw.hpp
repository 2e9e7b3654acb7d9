// Names of split images; private to the box.
#pragma once

#include "salvage/io/sources.hpp"

namespace salvage::io {

/// Whether a file name ends as the first part of a split image does: ".001", ".000", ".01", ".00", ".aa".
[[nodiscard]] bool names_first_part(const std::filesystem::path& path);

} // namespace salvage::io
