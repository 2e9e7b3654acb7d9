// MediaTek's download agent files (MTK_AllInOne_DA*.bin): which agents are in one, and which fits a phone.
// Layout: docs/formats/da-file.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"

namespace salvage::device {

struct MediatekIdentity;

/// A part of an agent: where it lies in the file, and where the phone puts it.
struct DaRegion {
    std::uint32_t file_offset{};
    std::uint32_t length{}; ///< bytes, the signature included
    std::uint32_t load_address{};
    std::uint32_t unsigned_length{};  ///< as the file says; not relied on
    std::uint32_t signature_length{}; ///< bytes at the end
};

/// The agent of one chip.
struct DaEntry {
    std::uint16_t da_code{}; ///< the file's hw_code: 0x6755
    std::uint16_t hw_sub_code{};
    std::uint16_t hw_version{};
    std::uint16_t sw_version{}; ///< 0 in files of the short entry form
    std::uint16_t page_bytes{};
    std::vector<DaRegion> regions; ///< 1: the first stage, into SRAM; 2: the second, into DRAM
};

enum class DaGeneration : std::uint8_t {
    binary, ///< legacy and XFlash: which, is a matter of the chip
    xml,    ///< "MTK_DA_v6"
};

struct DaFile {
    std::string id; ///< "MTK_AllInOne_DA_v3.3001.2017-…"
    std::uint32_t version{};
    DaGeneration generation{DaGeneration::binary};
    std::vector<DaEntry> entries;
};

/// The table of a DA file.  Where its parts lie is checked when one is taken, so that a file with one broken entry
/// still serves other phones.  Errors: malformed, truncated (where = offset in the file).
[[nodiscard]] Result<DaFile> parse_da_file(ByteView file);

/// The two stages of an agent, as views of the file.
struct DaStages {
    DaRegion first_region;
    DaRegion second_region;
    ByteView first;  ///< the signature included
    ByteView second; ///< the signature included
    [[nodiscard]] ByteView second_unsigned() const
    {
        return second.first(second.size() - second_region.signature_length);
    }
};

/// The entry for this phone: its code, and the highest versions that are not above the phone's.
/// Errors: not_found (says which chips the file is for).
[[nodiscard]] Result<DaEntry> choose_agent(const DaFile& file, const MediatekIdentity& identity);
/// Errors: malformed (no second stage), truncated (a stage ends beyond the file).
[[nodiscard]] Result<DaStages> stages_of(const DaEntry& entry, ByteView file);

} // namespace salvage::device
