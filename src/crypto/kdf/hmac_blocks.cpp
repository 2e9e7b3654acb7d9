// HMAC's first blocks.
#include "crypto/kdf/hmac_blocks.hpp"

#include <openssl/evp.h>

#include <algorithm>

#include "crypto/openssl.hpp"

namespace salvage::crypto::kdf {

HashBlock hmac_key_block(KdfKind kind, ByteView secret)
{
    HashBlock key{};
    if (secret.size() <= key.size()) {
        std::ranges::copy(secret, key.begin());
        return key;
    }
    const auto* const digest = kind == KdfKind::pbkdf2_sha1 ? EVP_sha1() : EVP_sha256();
    openssl::must(
        EVP_Digest(secret.data(), secret.size(), as_uchar(std::span<std::byte>{key}), nullptr, digest, nullptr) == 1,
        "to hash a long secret");
    return key;
}

FirstMessage::FirstMessage(ByteView salt)
    : number_at_{salt.size()}, blocks_{salt.size() + 4 + 1 + 8 <= block_bytes ? 1U : 2U}
{
    const auto end = salt.size() + sizeof(std::uint32_t);
    bytes_.at(end) = std::byte{0x80};
    std::ranges::copy(salt, bytes_.begin());
    store_be(std::span{bytes_}.subspan((blocks_ * block_bytes) - sizeof(std::uint64_t), sizeof(std::uint64_t)),
             std::uint64_t{(block_bytes + end) * 8});
}

ByteView FirstMessage::numbered(std::uint32_t number) noexcept
{
    store_be(std::span{bytes_}.subspan(number_at_, sizeof number), number);
    return ByteView{bytes_}.first(blocks_ * block_bytes);
}

} // namespace salvage::crypto::kdf
