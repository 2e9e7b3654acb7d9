// What FAT, exFAT and NTFS share: boot sectors, attribute words, and what is said of a volume that was cut.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "salvage/core/finding.hpp"
#include "salvage/filesystem/filesystem.hpp"

namespace salvage::filesystem::dos {

constexpr std::size_t boot_bytes = 512;
/// The boot sector at `at`; empty where there is none or it cannot be read.  Errors: io.
[[nodiscard]] Result<Bytes> boot_sector_at(const io::ByteSource& source, ByteOffset at);

struct FlagName {
    std::uint32_t bit;
    std::string_view name;
};
/// "archive", which every new file has.
constexpr std::uint32_t unremarkable = 0x20;
/// The extended attribute user.dos.attributes: the names of the bits that are set, with commas.  Nothing where none is
/// but `unremarkable`.
[[nodiscard]] ExtendedAttributes flags_as_attributes(std::uint32_t flags, std::span<const FlagName> names);

/// The volume is longer than what there is of it.
[[nodiscard]] Finding cut_finding(std::string_view code, ByteCount volume, ByteCount present);

} // namespace salvage::filesystem::dos
