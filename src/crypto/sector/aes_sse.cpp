// AES over sectors with AES-NI and SSE4.1.
#include "crypto/sector/kernels.hpp"

#if defined(__x86_64__)
#include "crypto/sector/vec_x86_128.hpp"

namespace salvage::crypto::sector {

struct SseFlags;
const AesKernels aes_sse = AesSectors<X86Block<SseFlags>>::kernels();

} // namespace salvage::crypto::sector
#endif
