// The sector ciphers' part of the check for ARM.
#pragma once

namespace salvage::crypto::sector {

/// Whether the NEON kernels give the published cipher texts and agree with the portable ones; says what does not.
[[nodiscard]] bool neon_is_right();

} // namespace salvage::crypto::sector
