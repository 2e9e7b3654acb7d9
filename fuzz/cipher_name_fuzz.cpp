// Cipher names from a footer's bytes: whatever is accepted names itself, and ciphers there and back.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "salvage/crypto/cipher.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace salvage;
    const auto bytes = std::as_bytes(std::span{data, size});
    const auto spec = crypto::parse_cipher_name(as_text(bytes));
    if (!spec.has_value()) {
        return to_string(spec.error()).empty() ? std::abort(), 0 : 0;
    }
    const auto again = crypto::parse_cipher_name(crypto::to_string(*spec));
    const auto cipher = crypto::make_sector_cipher(*spec, Bytes(32));
    if (!again.has_value() || *again != *spec || !cipher.has_value()) {
        std::abort();
    }
    const Bytes plain(1024, std::byte{size != 0 ? data[0] : std::uint8_t{0}});
    auto sectors = plain;
    (*cipher)->encrypt(SectorIndex{size}, sectors);
    (*cipher)->decrypt(SectorIndex{size}, sectors);
    return sectors == plain ? 0 : (std::abort(), 0);
}
