// PBKDF2 for any processor.
#include "crypto/kdf/kernels.hpp"

#include "crypto/kdf/sha1_lanes.hpp"
#include "crypto/kdf/sha256_lanes.hpp"
#include "crypto/kdf/vec_portable.hpp"

namespace salvage::crypto::kdf {

const Pbkdf2Kernels pbkdf2_portable{
    .sha1 = pbkdf2_kernel<OverLanes<Sha1Lanes<portable::Vec1>>>(),
    .sha256 = pbkdf2_kernel<OverLanes<Sha256Lanes<portable::Vec1>>>(),
};

} // namespace salvage::crypto::kdf
