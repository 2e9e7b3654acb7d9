// What is no call of the API: the page's assets, the link that lets a browser in, and a few lines for who is not let
// in.
#pragma once

#include <string>

#include "app.hpp"

namespace salvage::web {

/// `known_etag` is what the browser has of it already.
[[nodiscard]] Answer page_answer(App& app, const Claims& claims, const Request& request, const std::string& known_etag);

} // namespace salvage::web
