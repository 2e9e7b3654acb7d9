// Short messages under fresh keys, which the processor's own instructions decipher: against what OpenSSL enciphers.
#include <gtest/gtest.h>

#include <algorithm>

#include "salvage/crypto/cipher.hpp"
#include "support/guarded_pages.hpp"
#include "unit/crypto/kdf_bulk_support.hpp"

namespace salvage::crypto {
namespace {

AesBlock noise_block(std::uint64_t seed)
{
    AesBlock block{};
    std::ranges::copy(test::noise(block.size(), seed), block.begin());
    return block;
}

TEST(AesShort, BlocksComeBackUnderManyKeysOfEverySize)
{
    for (const std::size_t key_bytes : {16U, 24U, 32U}) {
        for (std::uint64_t seed = 1; seed <= 200; ++seed) {
            const auto key = test::noise(key_bytes, seed);
            const auto plain = noise_block(seed + 1000);
            ASSERT_EQ(aes_ecb_decrypt(key, aes_ecb_encrypt(key, plain)), plain) << key_bytes << " " << seed;
        }
    }
}

/// Sizes on both sides of where blocks go side by side; the last byte is the last one that may be touched.
TEST(AesShort, CbcComesBackForEverySizeAndInPlace)
{
    for (const std::size_t key_bytes : {16U, 32U}) {
        for (std::size_t size = 0; size <= 304; size += 16) {
            for (std::uint64_t seed = 1; seed <= 20; ++seed) {
                const auto key = test::noise(key_bytes, seed);
                const auto iv = noise_block(seed + 2000);
                const auto plain = test::noise(size, seed + 3000);
                Bytes ciphered(size);
                aes_cbc_encrypt(key, iv, plain, ciphered);
                const test::GuardedMemory memory{size};
                const auto data = memory.at_end(size);
                aes_cbc_decrypt(key, iv, ciphered, data);
                ASSERT_EQ(to_hex(data), to_hex(plain)) << key_bytes << " " << size;
                std::ranges::copy(ciphered, data.begin());
                aes_cbc_decrypt(key, iv, data, data);
                ASSERT_EQ(to_hex(data), to_hex(plain)) << "in place";
            }
        }
    }
}

} // namespace
} // namespace salvage::crypto
