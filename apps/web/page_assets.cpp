#include "page_assets.hpp"

#include <algorithm>

namespace salvage::web {

const Asset* find_asset(std::string_view path) noexcept
{
    const auto assets = page_assets();
    const auto found = std::ranges::find(assets, path, &Asset::path);
    if (found != assets.end()) {
        return &*found;
    }
    const auto name = path.substr(path.rfind('/') + 1);
    if (path.starts_with("/api/") || path.starts_with("/assets/") || name.find('.') != std::string_view::npos) {
        return nullptr;
    }
    const auto page = std::ranges::find(assets, std::string_view{"/index.html"}, &Asset::path);
    return page == assets.end() ? nullptr : &*page;
}

} // namespace salvage::web
