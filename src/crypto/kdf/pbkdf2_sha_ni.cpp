// PBKDF2 with SHA-NI, the instructions made for SHA-1 and SHA-256.
#include "crypto/kdf/kernels.hpp"

#if defined(__x86_64__)
#include "crypto/kdf/pbkdf2_chain.hpp"
#include "crypto/kdf/sha1_streams.hpp"
#include "crypto/kdf/sha256_streams.hpp"

namespace salvage::crypto::kdf {
namespace sha_ni {
struct ThisFile;
} // namespace sha_ni

const Pbkdf2Kernels pbkdf2_sha_ni{
    .sha1 = pbkdf2_kernel<OverStreams<Sha1Streams<sha_ni::ThisFile>>>(),
    .sha256 = pbkdf2_kernel<OverStreams<Sha256Streams<sha_ni::ThisFile>>>(),
};

} // namespace salvage::crypto::kdf
#endif
