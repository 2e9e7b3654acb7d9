// SHA-256 and HMAC-SHA256 against published vectors, and fed in pieces.
#include "salvage/crypto/hash.hpp"

#include <gtest/gtest.h>

#include <string>

#include "salvage/crypto/kdf.hpp"
#include "support/files.hpp"
#include "support/vectors.hpp"

namespace salvage::crypto {
namespace {

using test::read_vectors;

TEST(Sha256, AgreesWithThePublishedDigests)
{
    for (const auto& record : read_vectors(test::sample("crypto/hash.vec"), "SHA-256")) {
        EXPECT_EQ(to_hex(sha256(record.bytes("Message"))), record.text("Digest")) << record.where();
    }
}

TEST(Sha256, DoesNotCareHowTheBytesArrive)
{
    Bytes bytes(1000);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<std::byte>(i * 7);
    }
    const auto whole = sha256(bytes);
    for (const std::size_t piece : {1U, 63U, 64U, 65U, 999U}) {
        Sha256 hash;
        for (std::size_t at = 0; at < bytes.size(); at += piece) {
            hash.update(ByteView{bytes}.subspan(at, std::min(piece, bytes.size() - at)));
        }
        EXPECT_EQ(hash.finish(), whole) << "pieces of " << piece;
    }
}

TEST(Sha256, StartsAnewAfterItsDigest)
{
    Sha256 hash;
    hash.update(as_bytes("something else"));
    std::ignore = hash.finish();
    hash.update(as_bytes("abc"));
    Sha256 moved = std::move(hash);
    EXPECT_EQ(moved.finish(), sha256(as_bytes("abc")));
}

TEST(HmacSha256, AgreesWithRfc4231)
{
    for (const auto& record : read_vectors(test::sample("crypto/hash.vec"), "HMAC-SHA256")) {
        EXPECT_EQ(to_hex(hmac_sha256(record.bytes("Key"), record.bytes("Message"))), record.text("Mac"))
            << record.where();
    }
}

TEST(HmacSha256, KnowsThePasswordsOfSamsungFooters)
{
    for (const auto& record : read_vectors(test::sample("crypto/hash.vec"), "Samsung EDK")) {
        Secret<32> key;
        pbkdf2_sha256(record.bytes("Password"), record.bytes("Salt"), Iterations{4096}, key.expose_for_writing());
        EXPECT_EQ(to_hex(hmac_sha256(key.expose(), record.bytes("Edk"))), record.text("Mac")) << record.where();
    }
}

} // namespace
} // namespace salvage::crypto
