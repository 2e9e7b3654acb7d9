// AES over sectors with VAES on 256 bits.
#include "crypto/sector/kernels.hpp"

#if defined(__x86_64__)
#include "crypto/sector/vec_x86_256.hpp"

namespace salvage::crypto::sector {

struct VaesFlags;
const AesKernels aes_vaes = AesSectors<X86TwoBlocks<VaesFlags>>::kernels();

} // namespace salvage::crypto::sector
#endif
