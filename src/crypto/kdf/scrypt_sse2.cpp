// scrypt for SSE2.
#include "crypto/kdf/kernels.hpp"

#if defined(__x86_64__)
#include "crypto/kdf/scrypt_lanes.hpp"
#include "crypto/kdf/vec_sse2.hpp"

namespace salvage::crypto::kdf {

const ScryptKernels scrypt_sse2{.by_lanes = {
                                    scrypt_kernel<sse2::Vec4, 1>(),
                                    scrypt_kernel<sse2::Vec4, 2>(),
                                }};

} // namespace salvage::crypto::kdf
#endif
