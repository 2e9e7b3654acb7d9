// Inside render: the pieces that several JSON documents share.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "salvage/rescue/inspect.hpp"

namespace salvage::render {

using Json = nlohmann::ordered_json;

[[nodiscard]] Json to_json(const Finding& finding);
[[nodiscard]] Json to_json(const std::vector<Finding>& findings);
[[nodiscard]] Json to_json(const partition::Partition& partition);
[[nodiscard]] Json to_json(const rescue::Verdict& verdict);
[[nodiscard]] Json to_json(const rescue::FoundFooter& found, const rescue::Verdict* verdict);
[[nodiscard]] Json to_json(const rescue::Decoy& decoy);
[[nodiscard]] Json to_json(const rescue::SourceFacts& source);
[[nodiscard]] Json to_json(const std::vector<io::Extent>& extents);
/// Keys of a layout without the schema: sources, partitions, findings.
void add_layout(Json& into, const partition::Layout& layout);
/// Everything `inspect --json` has, without the schema.
void add_inspect(Json& into, const rescue::InspectReport& report);
/// The document as text; bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string dumped(const Json& document);

} // namespace salvage::render
