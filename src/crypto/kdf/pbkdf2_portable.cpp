// PBKDF2 for any processor.
#include "crypto/kdf/kernels.hpp"

#include "crypto/kdf/sha1_lanes.hpp"
#include "crypto/kdf/sha256_lanes.hpp"
#include "crypto/kdf/vec_portable.hpp"

namespace salvage::crypto::kdf {

const Pbkdf2Kernels pbkdf2_portable{
    .sha1 = {.run = Pbkdf2Lanes<Sha1Lanes<portable::Vec1>>::run, .lanes = portable::Vec1::lanes},
    .sha256 = {.run = Pbkdf2Lanes<Sha256Lanes<portable::Vec1>>::run, .lanes = portable::Vec1::lanes},
};

} // namespace salvage::crypto::kdf
