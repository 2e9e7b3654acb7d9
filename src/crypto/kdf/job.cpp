// Jobs: their bounds, and what they ask for done for one secret without a device.
#include "crypto/kdf/job.hpp"

#include <fmt/format.h>

namespace salvage::crypto {

Result<> derive_key(const KdfJob& job, ByteView secret, std::span<std::byte> key)
{
    switch (job.kind) {
    case KdfKind::pbkdf2_sha1: pbkdf2_sha1(secret, job.salt, job.iterations, key); return {};
    case KdfKind::pbkdf2_sha256: pbkdf2_sha256(secret, job.salt, job.iterations, key); return {};
    case KdfKind::scrypt: break;
    }
    return scrypt(secret, job.salt, job.factors, key);
}

namespace kdf {

Result<> check_sizes(const KdfJob& job, std::size_t secrets, std::size_t keys_bytes)
{
    if (job.salt.size() > max_kdf_salt_bytes || job.key_bytes > max_kdf_key_bytes) {
        return unsupported("a key derivation is outside its bounds",
                           fmt::format("salt of {} bytes, at most {}; key of {} bytes, at most {}", job.salt.size(),
                                       max_kdf_salt_bytes, job.key_bytes, max_kdf_key_bytes));
    }
    if (keys_bytes != secrets * job.key_bytes) {
        return invalid_argument("the room for the keys has another size than they",
                                fmt::format("found {} bytes, expected {}", keys_bytes, secrets * job.key_bytes));
    }
    return {};
}

} // namespace kdf
} // namespace salvage::crypto
