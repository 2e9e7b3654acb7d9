// Lines of a text that is in memory: mask files, rule files.
#pragma once

#include <string_view>

namespace salvage::password {

/// Takes the first line off `text`.  The result is without its end: "\n", and every "\r" before it.
[[nodiscard]] inline std::string_view take_line(std::string_view& text)
{
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    while (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    return line;
}

} // namespace salvage::password
