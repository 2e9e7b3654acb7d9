// Carvings, as text and as JSON ("salvage.carve/1").
#pragma once

#include <string>

#include "salvage/render/render.hpp"
#include "salvage/rescue/carve.hpp"

namespace salvage::render {

[[nodiscard]] std::string text(const rescue::CarveReport& report, TextStyle style);
[[nodiscard]] std::string json(const rescue::CarveReport& report);

} // namespace salvage::render
