// scrypt for NEON.
#include "crypto/kdf/kernels.hpp"

#if defined(__aarch64__)
#include "crypto/kdf/scrypt_lanes.hpp"
#include "crypto/kdf/vec_neon.hpp"

namespace salvage::crypto::kdf {

const ScryptKernels scrypt_neon{.by_lanes = {
                                    scrypt_kernel<neon::Vec4, 1>(),
                                    scrypt_kernel<neon::Vec4, 2>(),
                                }};

} // namespace salvage::crypto::kdf
#endif
