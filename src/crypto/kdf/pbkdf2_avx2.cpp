// PBKDF2 for AVX2.
#include "crypto/kdf/kernels.hpp"

#if defined(__x86_64__)
#include "crypto/kdf/sha1_lanes.hpp"
#include "crypto/kdf/sha256_lanes.hpp"
#include "crypto/kdf/vec_avx2.hpp"

namespace salvage::crypto::kdf {

const Pbkdf2Kernels pbkdf2_avx2{
    .sha1 = {.run = Pbkdf2Lanes<Sha1Lanes<avx2::Vec8>>::run, .lanes = avx2::Vec8::lanes},
    .sha256 = {.run = Pbkdf2Lanes<Sha256Lanes<avx2::Vec8>>::run, .lanes = avx2::Vec8::lanes},
};

} // namespace salvage::crypto::kdf
#endif
