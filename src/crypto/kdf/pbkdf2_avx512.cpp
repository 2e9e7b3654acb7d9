// PBKDF2 for AVX-512.
#include "crypto/kdf/kernels.hpp"

#if defined(__x86_64__)
#include "crypto/kdf/sha1_lanes.hpp"
#include "crypto/kdf/sha256_lanes.hpp"
#include "crypto/kdf/vec_avx512.hpp"

namespace salvage::crypto::kdf {

const Pbkdf2Kernels pbkdf2_avx512{
    .sha1 = {.run = Pbkdf2Lanes<Sha1Lanes<avx512::Vec16>>::run, .lanes = avx512::Vec16::lanes},
    .sha256 = {.run = Pbkdf2Lanes<Sha256Lanes<avx512::Vec16>>::run, .lanes = avx512::Vec16::lanes},
};

} // namespace salvage::crypto::kdf
#endif
