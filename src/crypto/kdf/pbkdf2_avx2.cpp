// PBKDF2 for AVX2.
#include "crypto/kdf/kernels.hpp"

#if defined(__x86_64__)
#include "crypto/kdf/sha1_lanes.hpp"
#include "crypto/kdf/sha256_lanes.hpp"
#include "crypto/kdf/vec_avx2.hpp"

namespace salvage::crypto::kdf {

const Pbkdf2Kernels pbkdf2_avx2{
    .sha1 = pbkdf2_kernel<OverLanes<Sha1Lanes<avx2::Vec8>>>(),
    .sha256 = pbkdf2_kernel<OverLanes<Sha256Lanes<avx2::Vec8>>>(),
};

} // namespace salvage::crypto::kdf
#endif
