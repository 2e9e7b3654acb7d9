// The raw private RSA operation against OpenSSL's command line, and keys that are damaged.
#include "salvage/crypto/rsa.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "support/assert_result.hpp"
#include "support/files.hpp"
#include "support/vectors.hpp"

namespace salvage::crypto {
namespace {

using test::fails_with;
using test::is_ok;

std::vector<test::VectorRecord> vectors(std::string_view section)
{
    return test::read_vectors(test::sample("crypto/rsa.vec"), section);
}

void expect_signature(const Result<RsaPrivateKey>& key, const test::VectorRecord& record)
{
    ASSERT_TRUE(is_ok(key)) << record.where();
    const auto signature = key->raw_private(record.bytes("Message"));
    ASSERT_TRUE(is_ok(signature)) << record.where();
    EXPECT_EQ(to_hex(signature->expose()), record.text("Signature")) << record.where();
    EXPECT_EQ(signature->size(), key->modulus_bytes());
}

TEST(RsaPrivateKey, SignsAsOpensslDoesWhateverFormTheKeyCameIn)
{
    for (const auto& record : vectors("RSA")) {
        expect_signature(RsaPrivateKey::from_der(record.bytes("Pkcs1")), record);
        expect_signature(RsaPrivateKey::from_der(record.bytes("Pkcs8")), record);
        expect_signature(RsaPrivateKey::from_numbers(record.bytes("Modulus"), record.bytes("PublicExponent"),
                                                     record.bytes("PrivateExponent")),
                         record);
    }
}

TEST(RsaPrivateKey, KeepsTheZeroBytesAtASignaturesFront)
{
    const auto record = vectors("Padding").front();
    expect_signature(RsaPrivateKey::from_der(record.bytes("Pkcs1")), record);
}

TEST(RsaPrivateKey, TakesShortMessagesAsNumbers)
{
    const auto record = vectors("RSA").front();
    const auto key = RsaPrivateKey::from_der(record.bytes("Pkcs1")).unwrap();
    const Bytes one{std::byte{1}};
    const auto signature = key.raw_private(one).unwrap();
    EXPECT_EQ(signature.size(), key.modulus_bytes());
    EXPECT_EQ(signature.expose().back(), std::byte{1}) << "1^d is 1";
    EXPECT_TRUE(is_all_zero(signature.expose().first(signature.size() - 1)));
    EXPECT_TRUE(is_all_zero(key.raw_private({}).unwrap().expose())) << "0^d is 0";
}

TEST(RsaPrivateKey, RefusesMessagesThatAreNotSmallerThanTheModulus)
{
    const auto record = vectors("RSA").front();
    const auto key = RsaPrivateKey::from_der(record.bytes("Pkcs1")).unwrap();
    EXPECT_TRUE(fails_with(key.raw_private(record.bytes("Modulus")), ErrorCode::malformed));
    EXPECT_TRUE(fails_with(key.raw_private(Bytes(key.modulus_bytes(), std::byte{0xFF})), ErrorCode::malformed));
    EXPECT_TRUE(fails_with(key.raw_private(Bytes(100'000, std::byte{0xFF})), ErrorCode::malformed));
    auto largest = record.bytes("Modulus");
    largest.back() ^= std::byte{1}; // odd: one less
    EXPECT_TRUE(is_ok(key.raw_private(largest)));
}

TEST(RsaPrivateKey, IsFoundInsideALargerField)
{
    const auto record = vectors("RSA").front();
    auto field = record.bytes("Pkcs1");
    field.resize(2048);
    expect_signature(RsaPrivateKey::from_der(field), record);
}

TEST(RsaPrivateKey, RefusesOtherKindsAndSizes)
{
    for (const auto& record : vectors("Refused")) {
        EXPECT_TRUE(fails_with(RsaPrivateKey::from_der(record.bytes("Der")), ErrorCode::unsupported))
            << record.text("Kind");
    }
    EXPECT_TRUE(fails_with(RsaPrivateKey::from_der({}), ErrorCode::malformed));
    EXPECT_TRUE(fails_with(RsaPrivateKey::from_der(as_bytes("no key at all")), ErrorCode::malformed));
}

TEST(RsaPrivateKey, RefusesNumbersThatAreNoKey)
{
    const auto record = vectors("RSA").front();
    const auto n = record.bytes("Modulus");
    const auto e = record.bytes("PublicExponent");
    const auto d = record.bytes("PrivateExponent");
    const auto other_d = vectors("RSA").front().bytes("Message");
    EXPECT_TRUE(fails_with(RsaPrivateKey::from_numbers({}, e, d), ErrorCode::malformed));
    EXPECT_TRUE(fails_with(RsaPrivateKey::from_numbers(n, {}, d), ErrorCode::malformed));
    EXPECT_TRUE(fails_with(RsaPrivateKey::from_numbers(n, e, {}), ErrorCode::malformed));
    EXPECT_TRUE(fails_with(RsaPrivateKey::from_numbers(e, e, d), ErrorCode::malformed)) << "a modulus of 17 bits";
    EXPECT_TRUE(fails_with(RsaPrivateKey::from_numbers(Bytes(513, std::byte{0xFF}), e, d), ErrorCode::malformed));
    auto even = n;
    even.back() ^= std::byte{1};
    EXPECT_TRUE(fails_with(RsaPrivateKey::from_numbers(even, e, d), ErrorCode::malformed));
    EXPECT_TRUE(fails_with(RsaPrivateKey::from_numbers(n, e, n), ErrorCode::malformed))
        << "an exponent as large as the modulus";
    auto wrong = d;
    wrong[wrong.size() / 2] ^= std::byte{0x10};
    EXPECT_TRUE(fails_with(RsaPrivateKey::from_numbers(n, e, wrong), ErrorCode::mismatch));
}

TEST(RsaPrivateKey, SurvivesItsDerCutAtEveryLengthAndEveryByteFlipped)
{
    const auto record = vectors("RSA").front();
    const auto whole = record.bytes("Pkcs1");
    for (std::size_t length = 0; length < whole.size(); ++length) {
        EXPECT_TRUE(fails_with(RsaPrivateKey::from_der(ByteView{whole}.first(length)), ErrorCode::malformed)) << length;
    }
    const auto message = record.bytes("Message");
    for (std::size_t at = 0; at < whole.size(); ++at) {
        auto damaged = whole;
        damaged[at] ^= std::byte{0xFF};
        const auto key = RsaPrivateKey::from_der(damaged);
        if (!key.has_value()) {
            EXPECT_FALSE(key.error().what.empty());
            continue;
        }
        // What is not needed (primes, coefficient) may be damaged: the answer is right all the same.
        EXPECT_EQ(to_hex(key->raw_private(message).unwrap().expose()), record.text("Signature")) << at;
    }
}

} // namespace
} // namespace salvage::crypto
