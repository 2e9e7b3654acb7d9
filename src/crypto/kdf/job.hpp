// What every device asks of a job before it starts.
#pragma once

#include <cstddef>

#include "salvage/crypto/kdf_device.hpp"

namespace salvage::crypto::kdf {

/// Whether key and salt are within the bounds of kdf_device.hpp, and `keys_bytes` is room for just the keys of
/// `secrets` secrets.  Errors: unsupported; invalid_argument.
[[nodiscard]] Result<> check_sizes(const KdfJob& job, std::size_t secrets, std::size_t keys_bytes);

} // namespace salvage::crypto::kdf
