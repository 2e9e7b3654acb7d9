// The colours of everything that is drawn: the report, the pages of an extraction.
#pragma once

#include <string_view>

namespace salvage::render {

/// Custom properties for both schemes, to stand before a style sheet.  Okabe-Ito for roles.  Text on its ground is at
/// least 4.5 to 1 in both schemes, marks and frames 3 to 1.
[[nodiscard]] std::string_view colour_tokens() noexcept;

} // namespace salvage::render
