// AES blocks and CBC without padding against published vectors.
#include <gtest/gtest.h>

#include <algorithm>

#include "salvage/crypto/cipher.hpp"
#include "support/files.hpp"
#include "support/vectors.hpp"

namespace salvage::crypto {
namespace {

AesBlock block_of(ByteView bytes)
{
    AesBlock block{};
    std::ranges::copy(bytes.first(block.size()), block.begin());
    return block;
}

TEST(Aes, BlocksAgreeWithFips197)
{
    for (const auto& record : test::read_vectors(test::sample("crypto/aes.vec"), "AES block")) {
        const auto key = record.bytes("Key");
        EXPECT_EQ(to_hex(aes_ecb_encrypt(key, block_of(record.bytes("Plain")))), record.text("Cipher"))
            << record.where();
        EXPECT_EQ(to_hex(aes_ecb_decrypt(key, block_of(record.bytes("Cipher")))), record.text("Plain"))
            << record.where();
    }
}

TEST(Aes, CbcAgreesWithNistAndWithWrappedKeysOfPhones)
{
    for (const auto& record : test::read_vectors(test::sample("crypto/aes.vec"), "AES-CBC")) {
        const auto key = record.bytes("Key");
        const auto iv = block_of(record.bytes("Iv"));
        Bytes out(record.bytes("Plain").size());
        aes_cbc_encrypt(key, iv, record.bytes("Plain"), out);
        EXPECT_EQ(to_hex(out), record.text("Cipher")) << record.where();
        aes_cbc_decrypt(key, iv, record.bytes("Cipher"), out);
        EXPECT_EQ(to_hex(out), record.text("Plain")) << record.where();
        aes_cbc_encrypt(key, iv, out, out);
        EXPECT_EQ(to_hex(out), record.text("Cipher")) << "in place";
    }
}

TEST(Aes, CbcOfNothingIsNothing)
{
    Bytes untouched(16, std::byte{7});
    aes_cbc_decrypt(Bytes(16), AesBlock{}, {}, untouched);
    EXPECT_EQ(untouched, Bytes(16, std::byte{7}));
}

} // namespace
} // namespace salvage::crypto
