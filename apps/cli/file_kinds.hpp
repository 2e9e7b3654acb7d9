// --kind, as export and carve have it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "salvage/rescue/export.hpp"

namespace salvage::cli {

void add_kind_option(CLI::App& command, std::vector<std::string>& kinds);

/// Errors: invalid_argument (names what there is).
[[nodiscard]] Result<rescue::FileKind> file_kind_from(std::string_view name);

} // namespace salvage::cli
