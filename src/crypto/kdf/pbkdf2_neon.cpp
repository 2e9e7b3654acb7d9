// PBKDF2 for NEON.
#include "crypto/kdf/kernels.hpp"

#if defined(__aarch64__)
#include "crypto/kdf/sha1_lanes.hpp"
#include "crypto/kdf/sha256_lanes.hpp"
#include "crypto/kdf/vec_neon.hpp"

namespace salvage::crypto::kdf {

const Pbkdf2Kernels pbkdf2_neon{
    .sha1 = pbkdf2_kernel<OverLanes<Sha1Lanes<neon::Vec4>>>(),
    .sha256 = pbkdf2_kernel<OverLanes<Sha256Lanes<neon::Vec4>>>(),
};

} // namespace salvage::crypto::kdf
#endif
