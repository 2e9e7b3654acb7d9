// What the tests of the bulk derivations share: devices of every instruction set, secrets, and OpenSSL's answers.
#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <memory>
#include <string>
#include <vector>

#include "salvage/crypto/kdf_device.hpp"

namespace salvage::test {

/// Bytes that differ from position to position and from seed to seed.
inline Bytes noise(std::size_t size, std::uint64_t seed)
{
    Bytes bytes(size);
    auto state = (seed * 0x9E3779B97F4A7C15ULL) + 1;
    for (auto& byte : bytes) {
        state = (state * 6364136223846793005ULL) + 1442695040888963407ULL;
        byte = static_cast<std::byte>(state >> 56U);
    }
    return bytes;
}

/// Secrets of the given sizes, each unlike the others.
inline std::vector<Bytes> secrets_of_sizes(const std::vector<std::size_t>& sizes)
{
    std::vector<Bytes> secrets;
    for (const auto size : sizes) {
        secrets.push_back(noise(size, 1000 + secrets.size()));
    }
    return secrets;
}
/// `count` secrets of mixed sizes.
inline std::vector<Bytes> some_secrets(std::size_t count)
{
    std::vector<std::size_t> sizes;
    for (std::size_t i = 0; i < count; ++i) {
        sizes.push_back((i * 7) % 23);
    }
    return secrets_of_sizes(sizes);
}

inline std::vector<ByteView> views_of(const std::vector<Bytes>& secrets)
{
    return {secrets.begin(), secrets.end()};
}

/// OpenSSL's key for one secret.
inline Bytes openssl_key(const crypto::KdfJob& job, ByteView secret)
{
    Bytes key(job.key_bytes);
    // An empty secret still needs an address: OpenSSL reads a null one as "none given".
    const auto text = secret.empty() ? std::string_view{""} : as_text(secret);
    const auto out = as_uchar(std::span<std::byte>{key});
    const auto salt = as_uchar(ByteView{job.salt});
    int done = 0;
    if (job.kind == crypto::KdfKind::scrypt) {
        done = EVP_PBE_scrypt(text.data(), text.size(), salt, job.salt.size(), 1ULL << job.factors.n_log2,
                              1ULL << job.factors.r_log2, 1ULL << job.factors.p_log2, 1ULL << 31U, out, key.size());
    } else {
        done = PKCS5_PBKDF2_HMAC(text.data(), static_cast<int>(text.size()), salt, static_cast<int>(job.salt.size()),
                                 static_cast<int>(job.iterations.value),
                                 job.kind == crypto::KdfKind::pbkdf2_sha1 ? EVP_sha1() : EVP_sha256(),
                                 static_cast<int>(key.size()), out);
    }
    if (done != 1) {
        throw std::runtime_error{"OpenSSL derives no key"};
    }
    return key;
}
/// And for many, one after the other.
inline Bytes openssl_keys(const crypto::KdfJob& job, const std::vector<Bytes>& secrets)
{
    Bytes keys;
    for (const auto& secret : secrets) {
        const auto key = openssl_key(job, secret);
        keys.insert(keys.end(), key.begin(), key.end());
    }
    return keys;
}

inline std::unique_ptr<crypto::KdfDevice> device_of(crypto::Isa isa, std::size_t scrypt_lanes = 4)
{
    return crypto::make_cpu_kdf_device({.isa = isa, .scrypt_lanes = scrypt_lanes}).unwrap();
}

/// The device's keys; a failure is a failed test.
inline Bytes keys_of(crypto::KdfDevice& device, const crypto::KdfJob& job, const std::vector<Bytes>& secrets)
{
    Bytes keys(secrets.size() * job.key_bytes);
    const auto done = device.derive(job, views_of(secrets), keys);
    EXPECT_TRUE(done.has_value()) << device.name() << ": " << (done.has_value() ? "" : to_string(done.error()));
    return keys;
}

/// The front of every key.
inline Bytes shortened(const Bytes& keys, std::size_t from_bytes, std::size_t to_bytes)
{
    Bytes out;
    for (std::size_t at = 0; at < keys.size(); at += from_bytes) {
        const auto front = ByteView{keys}.subspan(at, to_bytes);
        out.insert(out.end(), front.begin(), front.end());
    }
    return out;
}

/// A test for each instruction set of this machine.
class EveryIsa : public ::testing::TestWithParam<crypto::Isa> {};

} // namespace salvage::test

// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): gtest's own macro makes a global.
#define SALVAGE_FOR_EVERY_ISA(suite)                                                                                   \
    INSTANTIATE_TEST_SUITE_P(Machine, suite, ::testing::ValuesIn(crypto::supported_isas()),                            \
                             [](const auto& isa) { return std::string{crypto::to_string(isa.param)}; })
