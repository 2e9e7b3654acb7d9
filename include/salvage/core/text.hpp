// How numbers are shown to people: offsets in hex and decimal, sizes, durations.  And how they are read back.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "salvage/core/result.hpp"
#include "salvage/core/units.hpp"

namespace salvage {

/// "0x3bc8024 (62685220)".
[[nodiscard]] std::string format_offset(ByteOffset at);
/// "32 MiB", "3.2 GiB", "17 bytes".
[[nodiscard]] std::string format_size(ByteCount size);
/// "32 MiB (33554432 bytes)".
[[nodiscard]] std::string format_size_exact(ByteCount size);
/// A range a person plans by: "under a second", "about 40 seconds", "about 3 minutes", "about 62 hours", "about 4
/// days".
[[nodiscard]] std::string format_duration(std::chrono::duration<double> time);
/// "12,345,678".
[[nodiscard]] std::string format_count(std::uint64_t count);

/// Reads `62685220`, `0x3bc8024`, `512s` (512-byte sectors), `32KiB`, `32MiB`, `1GiB` (also K, M, G).  Not `name+off`.
/// Errors: invalid_argument.
[[nodiscard]] Result<std::uint64_t> parse_quantity(std::string_view text);

/// `text` with bytes that would disturb a terminal or a line shown as \xNN; valid UTF-8 passes.
[[nodiscard]] std::string printable(std::string_view text);

/// Without the blanks, tabs and line ends around it.  The result is part of `text`, or empty.
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;

} // namespace salvage
