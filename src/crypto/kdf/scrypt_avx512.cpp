// scrypt for AVX-512.
#include "crypto/kdf/kernels.hpp"

#if defined(__x86_64__)
#include "crypto/kdf/scrypt_lanes.hpp"
#include "crypto/kdf/vec_avx512.hpp"

namespace salvage::crypto::kdf {

const ScryptKernels scrypt_avx512{.by_lanes = {
                                      scrypt_kernel<avx512::Vec4, 1>(),
                                      scrypt_kernel<avx512::Vec8, 1>(),
                                      scrypt_kernel<avx512::Vec8, 2>(),
                                      scrypt_kernel<avx512::Vec16, 2>(),
                                  }};

} // namespace salvage::crypto::kdf
#endif
