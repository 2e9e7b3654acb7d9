// Copies of a case, as text and as JSON ("salvage.backup/1").
#pragma once

#include <string>

#include "salvage/render/render.hpp"
#include "salvage/rescue/backup.hpp"

namespace salvage::render {

[[nodiscard]] std::string text(const rescue::BackupReport& report, TextStyle style);
[[nodiscard]] std::string json(const rescue::BackupReport& report);

} // namespace salvage::render
