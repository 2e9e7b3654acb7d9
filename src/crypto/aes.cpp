// AES on single blocks and in CBC without padding: what unwraps a master key.  FIPS 197, SP 800-38A.
#include "crypto/aes_ni.hpp"
#include "crypto/openssl.hpp"
#include "salvage/crypto/cipher.hpp"

namespace salvage::crypto {
namespace {

using openssl::BlockMode;
using openssl::Direction;

/// Up to here setting the key up costs more than the blocks do.
constexpr std::size_t short_message = 4096;

AesBlock one_block(Direction direction, ByteView key, const AesBlock& block)
{
    const auto context = openssl::make_aes(BlockMode::ecb, direction, key);
    AesBlock out{};
    openssl::transform(*context, block, out);
    return out;
}

void cbc(Direction direction, ByteView key, const AesBlock& iv, ByteView data, std::span<std::byte> into)
{
    if (data.empty()) {
        return;
    }
    const auto context = openssl::make_aes(BlockMode::cbc, direction, key);
    openssl::set_iv(*context, iv);
    openssl::transform(*context, data, into.first(data.size()));
}

} // namespace

AesBlock aes_ecb_encrypt(ByteView key, const AesBlock& block)
{
    return one_block(Direction::encrypt, key, block);
}

AesBlock aes_ecb_decrypt(ByteView key, const AesBlock& block)
{
    if (aes_ni::takes_key_of(key.size())) {
        return aes_ni::ecb_decrypt(key, block);
    }
    return one_block(Direction::decrypt, key, block);
}

void aes_cbc_decrypt(ByteView key, const AesBlock& iv, ByteView data, std::span<std::byte> into)
{
    if (data.size() <= short_message && aes_ni::takes_key_of(key.size())) {
        aes_ni::cbc_decrypt(key, iv, data, into);
        return;
    }
    cbc(Direction::decrypt, key, iv, data, into);
}

void aes_cbc_encrypt(ByteView key, const AesBlock& iv, ByteView data, std::span<std::byte> into)
{
    cbc(Direction::encrypt, key, iv, data, into);
}

} // namespace salvage::crypto
