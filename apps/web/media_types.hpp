// What a browser is told that a file of the phone is: a few types in which nothing runs.
#pragma once

#include <string>
#include <string_view>

namespace salvage::web {

/// By the name's ending; "application/octet-stream" for everything that is not known or in which a program could be.
/// HTML, XML and the like are "text/plain".
[[nodiscard]] std::string media_type(std::string_view name);

} // namespace salvage::web
