// Inside render: what the pages of an extraction are dressed in, and the script that searches them.
#pragma once

#include <string_view>

namespace salvage::render {

[[nodiscard]] std::string_view extract_style() noexcept;
[[nodiscard]] std::string_view extract_script() noexcept;

} // namespace salvage::render
