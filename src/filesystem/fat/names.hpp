// Short names, and times as FAT and exFAT keep them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "salvage/core/bytes.hpp"
#include "salvage/filesystem/filesystem.hpp"

namespace salvage::filesystem::fat {

/// Text in code page 437, which Android's kernels take short names to be, as UTF-8.  '/' becomes U+FFFD.
[[nodiscard]] std::string from_code_page(std::string_view text);

/// A field that is filled up with blanks.
[[nodiscard]] std::string_view trimmed_field(ByteView field) noexcept;

/// "PHOTO.JPG" of the eleven bytes of an entry.  `case_flags` are NTRes: 8 = lower-case name, 16 = lower-case
/// extension. The first byte 0x05 stands for 0xE5.
[[nodiscard]] std::string short_name(ByteView eleven, std::uint8_t case_flags);

/// ChkSum() of the eleven bytes: binds long names to their short one.
[[nodiscard]] std::uint8_t short_name_checksum(ByteView eleven) noexcept;

/// Local time without a zone, taken as UTC.  Nothing where the date is none.
/// `tens` counts steps of 10 ms above the two-second steps of `time`, 0 to 199.
/// Spec: Microsoft, FAT specification, "Date and Time Formats"; exFAT specification, 7.4.5 to 7.4.8.
[[nodiscard]] std::optional<Timestamp> time_of(std::uint16_t date, std::uint16_t time, std::uint8_t tens = 0) noexcept;

/// Moves a local time by an exFAT UtcOffset: bit 7 says that it is valid, the rest are signed quarters of an hour.
/// Spec: exFAT specification, 7.4.10.
[[nodiscard]] Timestamp to_utc(Timestamp local, std::uint8_t utc_offset) noexcept;

} // namespace salvage::filesystem::fat
