// AES over sectors with VAES on 512 bits.
#include "crypto/sector/kernels.hpp"

#if defined(__x86_64__)
#include "crypto/sector/vec_x86_512.hpp"

namespace salvage::crypto::sector {

struct Avx512Flags;
const AesKernels aes_avx512 = AesSectors<X86FourBlocks<Avx512Flags>>::kernels();

} // namespace salvage::crypto::sector
#endif
