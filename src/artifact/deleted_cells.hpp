// Cells and records of a SQLite database as bytes, for whoever looks where SQLite no longer does.
// Spec: sqlite.org/fileformat2.html, 1.6 (cells) and 2.1 (records).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "salvage/artifact/sqlite.hpp"
#include "salvage/core/bytes.hpp"

namespace salvage::artifact {

/// How a database stores its texts: the number at byte 56 of the file.
enum class TextEncoding : std::uint8_t { utf8 = 1, utf16_little = 2, utf16_big = 3 };

/// A number of one to nine bytes, and how many they are.
struct CellNumber {
    std::uint64_t value{};
    std::size_t length{};
};
/// Nothing where the bytes end before it does.
[[nodiscard]] std::optional<CellNumber> cell_number(ByteView bytes, std::size_t at) noexcept;
/// How many bytes SQLite writes a number in.
[[nodiscard]] std::size_t cell_number_bytes(std::uint64_t value) noexcept;

/// Bytes of a value by its serial type; nothing for the two that are reserved.
[[nodiscard]] std::optional<std::uint64_t> serial_bytes(std::uint64_t serial) noexcept;

/// What of a payload stands in the cell itself.
struct LocalPart {
    std::uint64_t bytes{};
    bool has_overflow{false}; ///< four bytes with the number of a page follow
};
[[nodiscard]] LocalPart local_part(std::uint64_t payload, std::size_t usable_bytes, bool is_table) noexcept;

/// What a record says of itself before its values.
struct RecordHead {
    std::uint64_t bytes{}; ///< of the header with its own length
    std::uint64_t body{};  ///< bytes of all values together
};
/// Reads the header of a record at `at`, which ends at `end` at the latest; `serials` gets its serial types.  Nothing
/// where it is none.
[[nodiscard]] std::optional<RecordHead> record_head(ByteView bytes, std::size_t at, std::size_t end,
                                                    std::vector<std::uint64_t>& serials);

/// The value of a serial type; `bytes` are those that there are of it: all, or for a text or blob fewer.
/// Text comes as UTF-8.  Nothing where a text is none.
[[nodiscard]] std::optional<Value> stored_value(std::uint64_t serial, ByteView bytes, TextEncoding encoding);

/// Whether something is a text that people or programs write: UTF-8 without control characters but line ends and tabs.
[[nodiscard]] bool is_written_text(std::string_view text) noexcept;

} // namespace salvage::artifact
