// Reports of conversions as text for people and as JSON for programs.
#pragma once

#include <string>

#include "salvage/render/render.hpp"
#include "salvage/rescue/convert.hpp"

namespace salvage::render {

[[nodiscard]] std::string text(const rescue::ConvertReport& report, TextStyle style);
/// Schema "salvage.convert/1".
[[nodiscard]] std::string json(const rescue::ConvertReport& report);

} // namespace salvage::render
