// The sections of E01 segments as values; private to the box.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/io/e01.hpp"

namespace salvage::io {

/// Geometry, from the section "volume", "disk" or (SMART) the short "volume".
struct E01Volume {
    std::uint32_t chunks{};
    std::uint32_t chunk_bytes{}; ///< 512 to 16 MiB
    ByteCount size;
};

/// Where the chunks of one table are.
struct E01Table {
    std::size_t segment{};
    ByteOffset entries;           ///< the first 32-bit entry
    std::uint32_t count{};        ///< of chunks
    std::uint64_t first_chunk{};  ///< of the image
    std::uint64_t base{};         ///< added to the entries' offsets
    ByteOffset data_end;          ///< where the last chunk ends
    std::uint32_t wide_from{~0U}; ///< entries from here on have 32-bit offsets and no compression flag
    bool is_lost{false};          ///< neither it nor its mirror is sound
};

/// What all segments together say.
struct E01Contents {
    std::optional<E01Volume> volume;
    std::vector<E01Table> tables;
    E01Info info;
    std::uint64_t covered{}; ///< chunks that tables stand for
};

/// How a segment ended.
enum class E01End : std::uint8_t {
    next,   ///< another segment follows
    done,   ///< it is the last
    broken, ///< its chain of sections ends in the midst
};

/// Reads the chain of sections of segment `index` (from 0) and adds what it says to `contents`.
/// Cost: reads descriptors, tables and small sections; not the chunks.
/// Errors: malformed (no segment, or of another number), unsupported, io.
[[nodiscard]] Result<E01End> read_e01_segment(const ByteSource& segment, std::size_t index, E01Contents& contents);

/// The values of a "header" (`Width` 8) or "header2" (16) section, unpacked: lines of tab-separated keys and values.
[[nodiscard]] E01CaseData parse_e01_case_data(std::string_view utf8);
/// UTF-16 with or without a byte order mark (then little endian) as UTF-8; what is no character becomes U+FFFD.
[[nodiscard]] std::string utf8_from_utf16(ByteView bytes);

/// Unpacks a zlib stream (RFC 1950) into `into` and checks its Adler-32; the bytes it gave.
/// Nothing where it is damaged or does not fit.
[[nodiscard]] std::optional<std::size_t> inflate_zlib(ByteView packed, std::span<std::byte> into);

} // namespace salvage::io
