// Bookmarks as Chrome keeps them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/result.hpp"

namespace salvage::artifact {

struct Bookmark {
    std::string title;
    std::string url;
    std::string folder;
    std::optional<std::int64_t> added_ms;
};

/// Errors: malformed (no JSON).  Spec: Chromium, components/bookmarks/browser/bookmark_codec.cc.
[[nodiscard]] Result<std::vector<Bookmark>> parse_chrome_bookmarks(std::string_view json);

/// Microseconds since 1601, as Chrome counts, in milliseconds since 1970; nothing for none.
[[nodiscard]] std::optional<std::int64_t> from_chrome_time(std::optional<std::int64_t> microseconds) noexcept;

} // namespace salvage::artifact
