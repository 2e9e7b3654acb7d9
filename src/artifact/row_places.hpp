// Where in a database's file a row lies, so that an item can name its byte in the dump.
#pragma once

#include <cstdint>
#include <optional>

#include "salvage/core/units.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::artifact {

/// The first byte of the row's cell, by the tree of the table that begins in page `root`.  Nothing where the way there
/// is not what it should be.  Reads a page a level.  Spec: sqlite.org/fileformat2.html, 1.6.
[[nodiscard]] std::optional<ByteOffset> find_row_place(const io::ByteSource& database, std::int64_t root,
                                                       std::int64_t rowid);

} // namespace salvage::artifact
