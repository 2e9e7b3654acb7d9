// PBKDF2 for AVX-512.
#include "crypto/kdf/kernels.hpp"

#if defined(__x86_64__)
#include "crypto/kdf/sha1_lanes.hpp"
#include "crypto/kdf/sha256_lanes.hpp"
#include "crypto/kdf/vec_avx512.hpp"

namespace salvage::crypto::kdf {

const Pbkdf2Kernels pbkdf2_avx512{
    .sha1 = pbkdf2_kernel<OverLanes<Sha1Lanes<avx512::Vec16>>>(),
    .sha256 = pbkdf2_kernel<OverLanes<Sha256Lanes<avx512::Vec16>>>(),
};

} // namespace salvage::crypto::kdf
#endif
