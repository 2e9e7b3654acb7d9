// What every GPU device must hold to: the CPU's keys, over the sizes that matter.
#pragma once

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "salvage/crypto/kdf_device.hpp"
#include "support/assert_result.hpp"

namespace salvage::test {

/// Secrets of many lengths: empty, short, around a hash block, long.
class Guesses {
public:
    explicit Guesses(std::size_t count, std::size_t first = 0)
    {
        constexpr std::array<std::size_t, 9> lengths{4, 0, 6, 1, 63, 64, 65, 17, 200};
        for (std::size_t i = 0; i < count; ++i) {
            auto text = std::to_string(first + i);
            text.resize(lengths.at(i % lengths.size()), static_cast<char>('!' + (i % 90)));
            texts_.push_back(text);
        }
        for (const auto& text : texts_) {
            views_.push_back(as_bytes(text));
        }
    }
    [[nodiscard]] std::span<const ByteView> views() const noexcept { return views_; }
    [[nodiscard]] std::size_t size() const noexcept { return views_.size(); }

private:
    std::vector<std::string> texts_;
    std::vector<ByteView> views_;
};

inline Bytes keys_on_cpu(const crypto::KdfJob& job, std::span<const ByteView> secrets)
{
    Bytes keys(secrets.size() * job.key_bytes);
    for (std::size_t i = 0; i < secrets.size(); ++i) {
        const auto key = std::span{keys}.subspan(i * job.key_bytes, job.key_bytes);
        EXPECT_TRUE(is_ok(crypto::derive_key(job, secrets[i], key)));
    }
    return keys;
}

/// Whether the device's keys are the CPU's; says which one is not.
inline ::testing::AssertionResult derives_as_on_cpu(crypto::KdfDevice& device, const crypto::KdfJob& job,
                                                    std::span<const ByteView> secrets)
{
    Bytes keys(secrets.size() * job.key_bytes);
    const auto done = device.derive(job, secrets, keys);
    if (!done) {
        return ::testing::AssertionFailure() << to_string(done.error());
    }
    const auto expected = keys_on_cpu(job, secrets);
    for (std::size_t at = 0; at < keys.size(); ++at) {
        if (keys[at] != expected[at]) {
            return ::testing::AssertionFailure()
                   << "secret " << at / job.key_bytes << " of " << secrets.size() << ", byte " << at % job.key_bytes
                   << " of its key; salt of " << job.salt.size() << ", " << job.iterations.value << " iterations";
        }
    }
    return ::testing::AssertionSuccess();
}

inline Bytes salt_of(std::size_t size)
{
    Bytes salt(size);
    for (std::size_t i = 0; i < size; ++i) {
        salt[i] = static_cast<std::byte>((i * 37) + 11);
    }
    return salt;
}

/// Salts and keys on both sides of blocks and digests; no, one, few and many iterations; one secret to many.
inline void expect_pbkdf2_as_on_cpu(crypto::KdfDevice& device)
{
    for (const auto kind : {crypto::KdfKind::pbkdf2_sha1, crypto::KdfKind::pbkdf2_sha256}) {
        const auto check = [&](std::size_t salt, std::uint32_t iterations, std::size_t key, std::size_t count) {
            const crypto::KdfJob job{.kind = kind,
                                     .salt = salt_of(salt),
                                     .iterations = Iterations{iterations},
                                     .factors = {},
                                     .key_bytes = key};
            EXPECT_TRUE(derives_as_on_cpu(device, job, Guesses{count}.views()));
        };
        for (const std::size_t salt : {0U, 1U, 16U, 50U, 51U, 52U, 63U, 64U}) {
            check(salt, 3, 32, 9);
        }
        for (const std::size_t key : {1U, 16U, 19U, 20U, 21U, 32U, 33U, 48U, 63U, 64U}) {
            check(16, 3, key, 9);
        }
        for (const std::uint32_t iterations : {0U, 1U, 2U, 5U, 500U}) {
            check(16, iterations, 32, 9);
        }
        for (const std::size_t count : {1U, 2U, 15U, 16U, 17U, 31U, 33U, 100U}) {
            check(16, 2, 32, count);
        }
    }
}

inline void expect_scrypt_as_on_cpu(crypto::KdfDevice& device, const std::vector<crypto::ScryptFactors>& factors)
{
    for (const auto& each : factors) {
        crypto::KdfJob job{.kind = crypto::KdfKind::scrypt,
                           .salt = salt_of(16),
                           .iterations = Iterations{0},
                           .factors = each,
                           .key_bytes = 32};
        EXPECT_TRUE(derives_as_on_cpu(device, job, Guesses{9}.views()));
        job.key_bytes = 64;
        job.salt = salt_of(64);
        EXPECT_TRUE(derives_as_on_cpu(device, job, Guesses{2}.views()));
        job.key_bytes = 17;
        job.salt = salt_of(0);
        EXPECT_TRUE(derives_as_on_cpu(device, job, Guesses{1}.views()));
    }
}

} // namespace salvage::test
