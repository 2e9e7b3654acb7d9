// Several targets as one.
#pragma once

#include <span>
#include <string>

#include "salvage/password/search.hpp"

namespace salvage::password {

/// Identities joined by '+', in their order.
[[nodiscard]] std::string identity_of(std::span<const Target* const> targets);

} // namespace salvage::password
