// Pieces of reports for programs that make documents of their own of them.
#pragma once

#include <string>

#include "salvage/rescue/verdict.hpp"

namespace salvage::render {

/// An object as every report has it under `verdict`.
[[nodiscard]] std::string json(const rescue::Verdict& verdict);

} // namespace salvage::render
