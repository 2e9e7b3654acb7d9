// What the keyspaces share.
#pragma once

#include <cstddef>
#include <cstdint>

#include "salvage/core/result.hpp"

namespace salvage::password {

/// A candidate number that the keyspace does not have: a mistake of the caller, told as an error all the same.
[[nodiscard]] Error beyond_end(std::uint64_t index, std::uint64_t size);
/// Errors: internal (some of the `count` numbers from `first` on do not exist).
[[nodiscard]] Result<> check_range(std::uint64_t first, std::size_t count, std::uint64_t size);

} // namespace salvage::password
