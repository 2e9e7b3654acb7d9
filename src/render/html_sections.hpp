// Inside render: the sections of a report's page, in the order a person reads them.
#pragma once

#include <string>

#include "salvage/render/html.hpp"

namespace salvage::render {

// ---- html_map.cpp

/// The partition map to scale over the map of content, the strip of small partitions, and both legends.
[[nodiscard]] std::string map_section(const rescue::InspectReport& report);
/// The partitions as a table.
[[nodiscard]] std::string partitions_section(const rescue::InspectReport& report);
/// A role as the map's legend names it: "boot chain".
[[nodiscard]] std::string_view role_words(partition::Role role) noexcept;

// ---- html_footer.cpp

/// Footers and decoys, and the bytes of each footer with its fields named.
[[nodiscard]] std::string footer_section(const rescue::FooterSearch& search);

// ---- html_found.cpp

/// What was found and by what proof: the verdict's facts, the dump, signatures.
[[nodiscard]] std::string found_section(const rescue::InspectReport& report);
/// Where sources contradict each other, and everything else that is worth knowing.
[[nodiscard]] std::string findings_section(const rescue::InspectReport& report);
/// What was not looked at, and what cannot be known.  `rescued` is null for a page of `inspect`.
[[nodiscard]] std::string limits_section(const rescue::InspectReport& report, const rescue::RescueReport* rescued);

// ---- html_case.cpp

/// What was exported, what failed, what was skipped.
[[nodiscard]] std::string export_section(const rescue::RescueReport& report);
/// Of the dump, and of the partition images where there are any.  `rescued` may be null.
[[nodiscard]] std::string hashes_section(const rescue::InspectReport& report, const rescue::RescueReport* rescued);

// ---- html_style.cpp

/// The style sheet: light and dark, narrow screens, paper.
[[nodiscard]] std::string_view style_sheet() noexcept;
/// Hatchings that the pictures share, as an SVG of no size.
[[nodiscard]] std::string_view hatchings() noexcept;

} // namespace salvage::render
