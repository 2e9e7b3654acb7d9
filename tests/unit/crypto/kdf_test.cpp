// PBKDF2 and scrypt against published vectors and against OpenSSL.
#include "salvage/crypto/kdf.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string>

#include "support/assert_result.hpp"
#include "support/files.hpp"
#include "support/vectors.hpp"

namespace salvage::crypto {
namespace {

using test::fails_with;
using test::is_ok;
using test::read_vectors;

using Pbkdf2 = void (*)(ByteView, ByteView, Iterations, std::span<std::byte>);

void expect_published_keys(Pbkdf2 pbkdf2, std::string_view section)
{
    for (const auto& record : read_vectors(test::sample("crypto/kdf.vec"), section)) {
        const auto expected = record.bytes("Key");
        Bytes key(expected.size());
        pbkdf2(record.bytes("Password"), record.bytes("Salt"),
               Iterations{static_cast<std::uint32_t>(record.number("Iterations"))}, key);
        EXPECT_EQ(to_hex(key), to_hex(expected)) << record.where();
    }
}

TEST(Pbkdf2, Sha1AgreesWithRfc6070AndPublishedFooters)
{
    expect_published_keys(pbkdf2_sha1, "PBKDF2-HMAC-SHA1");
}

TEST(Pbkdf2, Sha256AgreesWithRfc7914)
{
    expect_published_keys(pbkdf2_sha256, "PBKDF2-HMAC-SHA256");
}

Bytes counting(std::size_t size)
{
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<std::byte>((i * 31) + 1);
    }
    return bytes;
}

/// Sizes on both sides of a hash block and of one and two digests.
TEST(Pbkdf2, AgreesWithOpensslForEverySizeOfPasswordSaltAndKey)
{
    struct Case {
        Pbkdf2 ours;
        const EVP_MD* digest;
    };
    for (const auto& [ours, digest] : {Case{pbkdf2_sha1, EVP_sha1()}, Case{pbkdf2_sha256, EVP_sha256()}}) {
        for (const std::size_t password_bytes : {0U, 1U, 55U, 63U, 64U, 65U, 200U}) {
            for (const std::size_t salt_bytes : {0U, 16U, 51U, 52U, 60U, 61U, 64U, 130U}) {
                for (const std::size_t key_bytes : {1U, 19U, 20U, 21U, 32U, 33U, 48U, 64U, 100U}) {
                    const auto password = counting(password_bytes);
                    const auto salt = counting(salt_bytes);
                    Bytes key(key_bytes);
                    Bytes expected(key_bytes);
                    ours(password, salt, Iterations{3}, key);
                    ASSERT_EQ(PKCS5_PBKDF2_HMAC(as_text(password).data(), static_cast<int>(password_bytes),
                                                as_uchar(ByteView{salt}), static_cast<int>(salt_bytes), 3, digest,
                                                static_cast<int>(key_bytes), as_uchar(std::span<std::byte>{expected})),
                              1);
                    ASSERT_EQ(key, expected) << password_bytes << " " << salt_bytes << " " << key_bytes;
                }
            }
        }
    }
}

ScryptFactors factors_of(const test::VectorRecord& record)
{
    const auto log2 = [&](std::string_view name) {
        return static_cast<std::uint8_t>(std::countr_zero(record.number(name)));
    };
    return {.n_log2 = log2("N"), .r_log2 = log2("R"), .p_log2 = log2("P")};
}

TEST(Scrypt, AgreesWithRfc7914AndWithAndroidsFactors)
{
    for (const auto& record : read_vectors(test::sample("crypto/kdf.vec"), "scrypt")) {
        const auto expected = record.bytes("Key");
        Bytes key(expected.size());
        ASSERT_TRUE(is_ok(scrypt(record.bytes("Password"), record.bytes("Salt"), factors_of(record), key)));
        EXPECT_EQ(to_hex(key), to_hex(expected)) << record.where();
    }
}

TEST(Scrypt, ShorterKeysAreTheFrontOfLongerOnes)
{
    const ScryptFactors small{.n_log2 = 4, .r_log2 = 3, .p_log2 = 1};
    Bytes whole(48);
    ASSERT_TRUE(is_ok(scrypt(as_bytes("0000"), as_bytes("salt"), small, whole)));
    for (const std::size_t size : {0U, 1U, 16U, 32U, 47U}) {
        Bytes key(size);
        ASSERT_TRUE(is_ok(scrypt(as_bytes("0000"), as_bytes("salt"), small, key)));
        EXPECT_TRUE(std::ranges::equal(key, ByteView{whole}.first(size)));
    }
}

TEST(Scrypt, SaysHowMuchMemoryAndroidsFactorsTake)
{
    using namespace literals;
    const auto memory = scrypt_memory(ScryptFactors{});
    EXPECT_GE(memory, 32_MiB);
    EXPECT_LE(memory, 32_MiB + 8_KiB);
    EXPECT_GE(scrypt_memory({.n_log2 = 0, .r_log2 = 0, .p_log2 = 30}), 128_GiB) << "the p blocks count too";
    EXPECT_EQ(scrypt_memory({.n_log2 = 255, .r_log2 = 255, .p_log2 = 255}).value, ~std::uint64_t{0});
}

/// Every factor a damaged footer may carry: refused, or so cheap that it may be computed.
TEST(Scrypt, RefusesWhatNoPhoneAsksFor)
{
    const auto refuses = [](unsigned n, unsigned r, unsigned p) {
        Bytes key(32);
        const ScryptFactors factors{.n_log2 = static_cast<std::uint8_t>(n),
                                    .r_log2 = static_cast<std::uint8_t>(r),
                                    .p_log2 = static_cast<std::uint8_t>(p)};
        return fails_with(scrypt(as_bytes("x"), as_bytes("y"), factors, key), ErrorCode::unsupported);
    };
    EXPECT_TRUE(refuses(0, 3, 1)) << "N = 1 is not scrypt";
    EXPECT_TRUE(refuses(16, 0, 0)) << "N reaches 2^(16 r)";
    EXPECT_TRUE(refuses(21, 3, 0)) << "2 GiB of table";
    EXPECT_TRUE(refuses(1, 3, 21)) << "2 GiB of blocks";
    EXPECT_TRUE(refuses(1, 24, 0)) << "2 GiB of blocks";
    EXPECT_TRUE(refuses(20, 3, 7)) << "2^32 cores";
    for (unsigned bit = 5; bit < 8; ++bit) {
        EXPECT_TRUE(refuses(15 ^ (1U << bit), 3, 1));
        EXPECT_TRUE(refuses(15, 3 ^ (1U << bit), 1));
        EXPECT_TRUE(refuses(15, 3, 1 ^ (1U << bit)));
    }
    for (const unsigned largest : {127U, 128U, 255U}) {
        EXPECT_TRUE(refuses(largest, largest, largest));
        EXPECT_TRUE(refuses(1, 1, largest));
        EXPECT_TRUE(refuses(1, largest, 1));
        EXPECT_TRUE(refuses(largest, 1, 1));
    }
}

} // namespace
} // namespace salvage::crypto
