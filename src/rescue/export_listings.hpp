// Listings of an export for other people's tools: mactime's body file and Digital Forensics XML.
#pragma once

#include <string>
#include <string_view>

#include "rescue/export_manifest.hpp"

namespace salvage::rescue {

inline constexpr std::string_view manifest_name = "manifest.jsonl";
inline constexpr std::string_view sums_name = "SHA256SUMS";
inline constexpr std::string_view body_name = "bodyfile.txt";
inline constexpr std::string_view dfxml_name = "dfxml.xml";

/// Whether a name on top of the folder could be taken for one of these, or for one under its way.
[[nodiscard]] constexpr bool is_list_name(std::string_view name) noexcept
{
    return name.starts_with(manifest_name) || name.starts_with(sums_name) || name.starts_with(body_name) ||
           name.starts_with(dfxml_name);
}

/// A line of The Sleuth Kit's body file, version 3: MD5 (0: not computed), name, inode, mode, owner, group, size and
/// four times in seconds.  What would break the line ('|', control characters) is '^' in names.
[[nodiscard]] std::string body_line(const ManifestEntry& entry);

/// `<fileobject>` of DFXML 1.2.  Bytes of names that XML or UTF-8 have no place for are \xNN.
[[nodiscard]] std::string dfxml_object(const ManifestEntry& entry);
/// What stands before the objects and behind them.
[[nodiscard]] std::string dfxml_head(std::string_view source);
[[nodiscard]] std::string_view dfxml_tail() noexcept;

} // namespace salvage::rescue
