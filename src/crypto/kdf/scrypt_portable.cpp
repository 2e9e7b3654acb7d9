// scrypt for any processor.
#include "crypto/kdf/kernels.hpp"

#include "crypto/kdf/scrypt_lanes.hpp"
#include "crypto/kdf/vec_portable.hpp"

namespace salvage::crypto::kdf {

const ScryptKernels scrypt_portable{.by_lanes = {
                                        scrypt_kernel<portable::Vec1, 1>(),
                                        scrypt_kernel<portable::Vec1, 2>(),
                                    }};

} // namespace salvage::crypto::kdf
