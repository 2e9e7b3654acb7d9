// Every instruction set against the portable twin and against OpenSSL, over sizes, batches and lanes.
#include <gtest/gtest.h>

#include <array>
#include <map>

#include "support/assert_result.hpp"
#include "support/guarded_pages.hpp"
#include "unit/crypto/kdf_bulk_support.hpp"

namespace salvage::crypto {
namespace {

using test::device_of;
using test::keys_of;
using test::openssl_keys;

class Bulk : public test::EveryIsa {};
SALVAGE_FOR_EVERY_ISA(Bulk);

constexpr std::array pbkdf2_kinds{KdfKind::pbkdf2_sha1, KdfKind::pbkdf2_sha256};
/// On both sides of a hash block and of its padding.
const std::vector<std::size_t> secret_sizes{0, 1, 8, 15, 16, 55, 56, 63, 64, 65, 128, 200, 256};

TEST_P(Bulk, Pbkdf2AgreesForEverySizeOfSecretSaltAndKey)
{
    const auto device = device_of(GetParam());
    const auto twin = device_of(Isa::portable);
    const auto secrets = test::secrets_of_sizes(secret_sizes);
    for (const auto kind : pbkdf2_kinds) {
        for (std::size_t salt_bytes = 0; salt_bytes <= max_kdf_salt_bytes; ++salt_bytes) {
            KdfJob job{.kind = kind, .salt = test::noise(salt_bytes, 7), .iterations = Iterations{3}, .key_bytes = 64};
            const auto expected = openssl_keys(job, secrets);
            ASSERT_EQ(keys_of(*twin, job, secrets), expected) << "the twin, salt of " << salt_bytes;
            for (std::size_t key_bytes = 1; key_bytes <= max_kdf_key_bytes; ++key_bytes) {
                job.key_bytes = key_bytes;
                ASSERT_EQ(keys_of(*device, job, secrets), test::shortened(expected, max_kdf_key_bytes, key_bytes))
                    << "salt of " << salt_bytes << ", key of " << key_bytes;
            }
        }
    }
}

TEST_P(Bulk, Pbkdf2AgreesForOneTwoThreeAndManyIterations)
{
    const auto device = device_of(GetParam());
    const auto secrets = test::secrets_of_sizes(secret_sizes);
    for (const auto kind : pbkdf2_kinds) {
        for (const std::uint32_t iterations : {1U, 2U, 3U, 2000U, 4096U}) {
            const KdfJob job{
                .kind = kind, .salt = test::noise(16, 3), .iterations = Iterations{iterations}, .key_bytes = 48};
            EXPECT_EQ(to_hex(keys_of(*device, job, secrets)), to_hex(openssl_keys(job, secrets))) << iterations;
        }
        const KdfJob none{.kind = kind, .salt = test::noise(16, 3), .iterations = Iterations{0}};
        const KdfJob one{.kind = kind, .salt = test::noise(16, 3), .iterations = Iterations{1}};
        EXPECT_EQ(keys_of(*device, none, secrets), keys_of(*device, one, secrets)) << "none counts as one";
    }
}

TEST_P(Bulk, Pbkdf2AgreesForEverySizeOfBatch)
{
    const auto device = device_of(GetParam());
    for (const auto kind : pbkdf2_kinds) {
        for (const std::size_t key_bytes : {16U, 32U, 48U}) {
            const KdfJob job{
                .kind = kind, .salt = test::noise(16, 5), .iterations = Iterations{2}, .key_bytes = key_bytes};
            const auto most = (2 * device->batch_size(job)) + 1;
            const auto expected = openssl_keys(job, test::some_secrets(most));
            for (std::size_t count = 0; count <= most; ++count) {
                const auto first = ByteView{expected}.first(count * key_bytes);
                ASSERT_EQ(to_hex(keys_of(*device, job, test::some_secrets(count))), to_hex(first)) << count;
            }
        }
    }
}

constexpr std::array<std::size_t, 6> lane_counts{1, 2, 4, 8, 16, 32};

/// OpenSSL's keys, computed once for all instruction sets.
const Bytes& scrypt_answer(const KdfJob& job, const std::vector<Bytes>& secrets)
{
    static std::map<std::array<std::uint8_t, 3>, Bytes> answers;
    const auto [at, is_new] = answers.try_emplace({job.factors.n_log2, job.factors.r_log2, job.factors.p_log2});
    if (is_new) {
        at->second = openssl_keys(job, secrets);
    }
    return at->second;
}

TEST_P(Bulk, ScryptAgreesForSmallFactorsAndEveryNumberOfLanes)
{
    constexpr int most_work_log2 = 11; // the largest together would take minutes under a sanitizer
    const auto secrets = test::some_secrets(3);
    for (const auto lanes : lane_counts) {
        const auto device = device_of(GetParam(), lanes);
        for (std::uint8_t n = 1; n <= 10; ++n) {
            for (std::uint8_t r = 0; r <= 4; ++r) {
                for (std::uint8_t p = 0; p <= 3 && n + r + p <= most_work_log2; ++p) {
                    const KdfJob job{.kind = KdfKind::scrypt,
                                     .salt = test::noise(16, 9),
                                     .factors = {.n_log2 = n, .r_log2 = r, .p_log2 = p},
                                     .key_bytes = 48};
                    ASSERT_EQ(to_hex(keys_of(*device, job, secrets)), to_hex(scrypt_answer(job, secrets)))
                        << device->name() << " " << int{n} << ":" << int{r} << ":" << int{p};
                }
            }
        }
    }
}

TEST_P(Bulk, ScryptAgreesForEverySizeOfBatchSecretSaltAndKey)
{
    for (const auto lanes : lane_counts) {
        const auto device = device_of(GetParam(), lanes);
        KdfJob job{.kind = KdfKind::scrypt,
                   .salt = test::noise(16, 11),
                   .factors = {.n_log2 = 3, .r_log2 = 1, .p_log2 = 1},
                   .key_bytes = 32};
        const auto most = (2 * lanes) + 1;
        const auto expected = openssl_keys(job, test::some_secrets(most));
        for (std::size_t count = 0; count <= most; ++count) {
            ASSERT_EQ(to_hex(keys_of(*device, job, test::some_secrets(count))),
                      to_hex(ByteView{expected}.first(count * job.key_bytes)))
                << device->name() << ", " << count << " secrets";
        }
        const auto secrets = test::secrets_of_sizes(secret_sizes);
        for (const std::size_t size : {0U, 1U, 31U, 64U}) {
            job.salt = test::noise(size, 13);
            job.key_bytes = std::max<std::size_t>(size, 1);
            EXPECT_EQ(to_hex(keys_of(*device, job, secrets)), to_hex(openssl_keys(job, secrets))) << size;
        }
    }
}

/// One table serves jobs of all factors, in any order.
TEST_P(Bulk, ScryptKeepsItsTableFromJobToJob)
{
    const auto device = device_of(GetParam(), 8);
    const auto secrets = test::some_secrets(5);
    for (const auto n : std::to_array<std::uint8_t>({6, 3, 8, 1, 7})) {
        for (const auto r :
             std::to_array<std::uint8_t>({3, 0, 7, 1})) { // 7: beyond what the lanes take, done one by one
            const KdfJob job{.kind = KdfKind::scrypt,
                             .salt = test::noise(16, 17),
                             .factors = {.n_log2 = n, .r_log2 = r, .p_log2 = 1}};
            ASSERT_EQ(to_hex(keys_of(*device, job, secrets)), to_hex(openssl_keys(job, secrets)))
                << int{n} << ":" << int{r};
        }
    }
}

TEST_P(Bulk, ScryptAgreesForAndroidsFactors)
{
    const auto device = device_of(GetParam(), 4);
    const KdfJob job{.kind = KdfKind::scrypt, .salt = test::noise(16, 19), .key_bytes = 48};
    const auto secrets = test::some_secrets(2);
    EXPECT_EQ(to_hex(keys_of(*device, job, secrets)), to_hex(openssl_keys(job, secrets)));
}

/// Secrets that end at the last readable byte, or begin at the first, and keys likewise.
TEST_P(Bulk, ReadsAndWritesNothingBesideSecretsAndKeys)
{
    const auto device = device_of(GetParam());
    for (const auto kind : {KdfKind::pbkdf2_sha1, KdfKind::pbkdf2_sha256, KdfKind::scrypt}) {
        for (const auto size : secret_sizes) {
            const KdfJob job{.kind = kind,
                             .salt = test::noise(16, 23),
                             .iterations = Iterations{2},
                             .factors = {.n_log2 = 2, .r_log2 = 1, .p_log2 = 0},
                             .key_bytes = 33};
            const auto secret = test::noise(size, 29);
            const auto expected = test::openssl_key(job, secret);
            const test::GuardedMemory secret_memory{size};
            const test::GuardedMemory key_memory{job.key_bytes};
            for (const auto room : {secret_memory.at_start(size), secret_memory.at_end(size)}) {
                std::ranges::copy(secret, room.begin());
                for (const auto key : {key_memory.at_start(job.key_bytes), key_memory.at_end(job.key_bytes)}) {
                    const std::array<ByteView, 1> secrets{room};
                    ASSERT_TRUE(test::is_ok(device->derive(job, secrets, key)));
                    ASSERT_EQ(to_hex(key), to_hex(expected)) << size;
                }
            }
        }
    }
}

} // namespace
} // namespace salvage::crypto
