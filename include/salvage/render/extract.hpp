// An extraction: the report as text and as JSON ("salvage.extract/1"), and the pages that it is browsed by.
#pragma once

#include <memory>
#include <string>

#include "salvage/render/render.hpp"
#include "salvage/rescue/extract.hpp"

namespace salvage::render {

[[nodiscard]] std::string text(const rescue::ExtractReport& report, TextStyle style);
[[nodiscard]] std::string json(const rescue::ExtractReport& report);

/// Pages of HTML that load nothing but the pictures beside them.  One script, on the first page, searches a list that
/// lies in the page; its hash is in the page's content security policy, and no other runs.  Thread safe.
[[nodiscard]] std::unique_ptr<rescue::ExtractPages> make_extract_pages();

} // namespace salvage::render
