// How paths inside a filesystem are spelled in listings, manifests and identities.
#pragma once

#include <string>
#include <string_view>

namespace salvage::rescue {

/// "/a/b" of any spelling of it: "a//b/", "/a/b".  The root is "".
[[nodiscard]] std::string normal_path(std::string_view path);

} // namespace salvage::rescue
