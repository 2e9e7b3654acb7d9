// The page, as it lies in the binary.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace salvage::web {

struct Asset {
    std::string_view path; ///< "/index.html", "/assets/index-3f2a9c.js"
    std::string_view type; ///< Content-Type
    std::string_view etag; ///< with its quotes
    std::string_view bytes;
};

/// Written by cmake/EmbedPage.cmake; sorted by path.
[[nodiscard]] std::span<const Asset> page_assets() noexcept;

/// The asset of a URL's path: "/" and every path that is no file's are the page itself, which finds its view by the
/// path.  Nothing: a file that is not there.
[[nodiscard]] const Asset* find_asset(std::string_view path) noexcept;

} // namespace salvage::web
