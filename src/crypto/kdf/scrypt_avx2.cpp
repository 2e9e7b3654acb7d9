// scrypt for AVX2.
#include "crypto/kdf/kernels.hpp"

#if defined(__x86_64__)
#include "crypto/kdf/scrypt_lanes.hpp"
#include "crypto/kdf/vec_avx2.hpp"

namespace salvage::crypto::kdf {

const ScryptKernels scrypt_avx2{.by_lanes = {
                                    scrypt_kernel<avx2::Vec4, 1>(),
                                    scrypt_kernel<avx2::Vec8, 1>(),
                                    scrypt_kernel<avx2::Vec8, 2>(),
                                }};

} // namespace salvage::crypto::kdf
#endif
