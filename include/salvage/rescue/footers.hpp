// Finding crypto footers in a dump: by fstab, by known places, then everywhere; decoys are named.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "salvage/core/run_context.hpp"
#include "salvage/fde/footer.hpp"
#include "salvage/rescue/dump.hpp"
#include "salvage/scan/scan.hpp"

namespace salvage::rescue {

/// A footer that its structure proves to be one.
struct FoundFooter {
    ByteOffset offset;     ///< in the dump, or in the --footer file
    std::string file;      ///< the --footer file, or empty: the dump
    std::string partition; ///< that holds it, may be empty
    std::string place;     ///< "metadata+0x0", "userdata, last 16 KiB"
    std::string found_by;  ///< "fstab", "known place", "scan"
    fde::CryptoFooter footer;
    Bytes raw; ///< as stored, up to fde::footer_area
    fde::PlacementCheck placement;
    std::vector<fde::PersistEntry> persist;
};

/// A place that looks like a footer and is none.
struct Decoy {
    ByteOffset offset;
    std::string partition;
    std::string reason;
};

struct FooterSearch {
    std::vector<FoundFooter> footers; ///< best placed first
    std::vector<Decoy> decoys;
    std::vector<std::string> searched; ///< what was looked at, for the report
};

/// Footers at the places fstab and specs name, and in the --footer file.  Reads a few blocks.
[[nodiscard]] Result<FooterSearch> find_footers_at_known_places(const Dump& dump);

/// Adds what a scan's hits lead to: footers at hits of the footer magics, decoys at strings without one.
void add_footers_from_scan(FooterSearch& search, const Dump& dump, const std::vector<scan::Pattern>& patterns,
                           std::span<const scan::Hit> hits);

/// Known places first; where they hold none, the whole dump is scanned.
[[nodiscard]] Result<FooterSearch> find_footers(const Dump& dump, const RunContext& context);

} // namespace salvage::rescue
