// RSA keys from a keymaster blob's bytes: whatever is accepted has a bounded size and signs to that size.
#include <cstdint>
#include <cstdlib>

#include "salvage/crypto/rsa.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace salvage;
    const auto bytes = std::as_bytes(std::span{data, size});
    const auto key = crypto::RsaPrivateKey::from_der(bytes);
    if (!key.has_value()) {
        return to_string(key.error()).empty() ? std::abort(), 0 : 0;
    }
    if (key->modulus_bytes() > 512) {
        std::abort();
    }
    const auto signature = key->raw_private(bytes.first(std::min<std::size_t>(size, 16)));
    return signature.has_value() && signature->size() == key->modulus_bytes() ? 0 : (std::abort(), 0);
}
