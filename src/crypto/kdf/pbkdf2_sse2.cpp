// PBKDF2 for SSE2.
#include "crypto/kdf/kernels.hpp"

#if defined(__x86_64__)
#include "crypto/kdf/sha1_lanes.hpp"
#include "crypto/kdf/sha256_lanes.hpp"
#include "crypto/kdf/vec_sse2.hpp"

namespace salvage::crypto::kdf {

const Pbkdf2Kernels pbkdf2_sse2{
    .sha1 = pbkdf2_kernel<OverLanes<Sha1Lanes<sse2::Vec4>>>(),
    .sha256 = pbkdf2_kernel<OverLanes<Sha256Lanes<sse2::Vec4>>>(),
};

} // namespace salvage::crypto::kdf
#endif
