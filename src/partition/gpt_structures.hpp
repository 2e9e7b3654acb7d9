// GPT's header and entries, from bytes to values.  UEFI 2.10 §5.3.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"

namespace salvage::partition {

constexpr std::string_view gpt_signature{"EFI PART"};
constexpr std::size_t gpt_header_bytes = 92; ///< of revision 1.0; later ones may only grow
constexpr std::size_t gpt_entry_bytes = 128; ///< the least; larger ones are 128 * 2^n

using Guid = std::array<std::byte, 16>;

/// "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7": the first three parts are stored little-endian.
[[nodiscard]] std::string to_string(const Guid& guid);

struct GptHeader {
    std::uint32_t revision{};
    std::uint32_t header_bytes{};
    std::uint32_t stored_crc{};
    std::uint32_t computed_crc{};
    std::uint64_t own_lba{};
    std::uint64_t other_lba{}; ///< of the other copy; 0 or 1 in a primary that no phone has patched yet
    std::uint64_t first_usable_lba{};
    std::uint64_t last_usable_lba{}; ///< inclusive
    Guid disk_guid{};
    std::uint64_t entries_lba{};
    std::uint32_t entry_count{};
    std::uint32_t entry_bytes{};
    std::uint32_t entries_crc{};

    [[nodiscard]] bool is_crc_right() const noexcept { return stored_crc == computed_crc; }
    /// A backup's entries stand before its header, a primary's behind.
    [[nodiscard]] bool is_backup() const noexcept { return entries_lba < own_lba; }
};

/// Reads a header from the front of a sector.  A wrong CRC is no error: the values are wanted all the same.
/// Errors: truncated; malformed (signature, header size, entry size).
[[nodiscard]] Result<GptHeader> parse_gpt_header(ByteView sector);

struct GptEntry {
    Guid type{};
    Guid unique{};
    std::uint64_t first_lba{};
    std::uint64_t last_lba{}; ///< inclusive
    std::uint64_t attributes{};
    std::string name; ///< UTF-8; U+FFFD for what is no character

    [[nodiscard]] bool is_used() const noexcept { return type != Guid{}; }
};

/// Requires: entry.size() >= gpt_entry_bytes.
[[nodiscard]] GptEntry parse_gpt_entry(ByteView entry);

} // namespace salvage::partition
