// AES over sectors with the AES instructions of ARMv8.
#include "crypto/sector/kernels.hpp"

#if defined(__aarch64__)
#include "crypto/sector/vec_neon.hpp"

namespace salvage::crypto::sector {

const AesKernels aes_neon = AesSectors<NeonBlock>::kernels();

} // namespace salvage::crypto::sector
#endif
