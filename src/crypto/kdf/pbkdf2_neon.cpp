// PBKDF2 for NEON.
#include "crypto/kdf/kernels.hpp"

#if defined(__aarch64__)
#include "crypto/kdf/sha1_lanes.hpp"
#include "crypto/kdf/sha256_lanes.hpp"
#include "crypto/kdf/vec_neon.hpp"

namespace salvage::crypto::kdf {

const Pbkdf2Kernels pbkdf2_neon{
    .sha1 = {.run = Pbkdf2Lanes<Sha1Lanes<neon::Vec4>>::run, .lanes = neon::Vec4::lanes},
    .sha256 = {.run = Pbkdf2Lanes<Sha256Lanes<neon::Vec4>>::run, .lanes = neon::Vec4::lanes},
};

} // namespace salvage::crypto::kdf
#endif
