// What is said of a case: whether it is as its log says, who signed it, what was done.
#pragma once

#include <string>

#include "salvage/render/render.hpp"
#include "salvage/rescue/case_verify.hpp"

namespace salvage::render {

[[nodiscard]] std::string text(const rescue::CaseVerifyReport& report, TextStyle style);
[[nodiscard]] std::string json(const rescue::CaseVerifyReport& report);
[[nodiscard]] std::string text(const rescue::CaseSignReport& report, TextStyle style);
[[nodiscard]] std::string json(const rescue::CaseSignReport& report);
/// One line.
[[nodiscard]] std::string text(const rescue::ShownRecord& record, TextStyle style);

} // namespace salvage::render
