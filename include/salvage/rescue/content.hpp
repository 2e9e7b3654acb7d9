// What the bytes of a range look like, cut into equal cells: for a map that is zoomed from a whole flash to a sector.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "salvage/core/run_context.hpp"
#include "salvage/io/byte_source.hpp"
#include "salvage/scan/scan.hpp"

namespace salvage::rescue {

enum class Looks : std::uint8_t {
    encrypted,  ///< as random as ciphertext; compressed media look the same
    text,       ///< text, code, databases
    mixed,      ///< some of it random
    empty,      ///< zeros, or one byte over and over
    hole,       ///< not stored in the dump's file: reads as zeros
    unreadable, ///< could not be read
    unknown,    ///< read, but not measured
};
[[nodiscard]] std::string_view to_string(Looks looks) noexcept;

struct ContentCell {
    ByteRange range;
    Looks looks{Looks::unknown}; ///< what most of its bytes are
    double entropy{-1};          ///< mean, bits a byte, of what was measured; negative where nothing was
    ByteCount unreadable;        ///< bytes that could not be read
};

/// `range` of a scanned source in `cells` cells of one size; fewer where the range has not as many bytes.
/// Cells as large as the scan's block are summed up from the scan.  For smaller ones the bytes are read, 64 MiB at most
/// altogether: of larger cells the beginning of the largest piece that is stored.
/// Errors: invalid_argument (`range` is empty or reaches beyond the source; no cells), io, cancelled.
[[nodiscard]] Result<std::vector<ContentCell>> look_at_content(const io::ByteSource& source,
                                                               const scan::ScanResult& scan, ByteRange range,
                                                               std::size_t cells, const RunContext& context);

} // namespace salvage::rescue
