// One line of a hex dump's text; private to the box.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "salvage/core/bytes.hpp"

namespace salvage::io {

enum class HexdumpLineKind : std::uint8_t {
    blank,
    repeat,  ///< "*"
    row,     ///< an offset with bytes
    end,     ///< an offset alone: where the dump ends
    plain,   ///< hex digits without an offset, as `xxd -p` writes them
    binary,  ///< a row of `xxd -b`
    broken,  ///< begins with an offset as a row does, and is none
    foreign, ///< anything else: a prompt, a heading, prose
};

struct HexdumpLine {
    HexdumpLineKind kind{HexdumpLineKind::blank};
    std::uint64_t offset{}; ///< row, end
    Bytes bytes{};          ///< row, plain
    std::vector<std::size_t>
        cuts{};          ///< row: byte counts after which what was read as hex may have been the text column
    std::size_t unit{1}; ///< row: bytes in a printed number; 2 for `hexdump` without -C
};

/// Reads one line, without its end.
[[nodiscard]] HexdumpLine read_hexdump_line(std::string_view text);

} // namespace salvage::io
