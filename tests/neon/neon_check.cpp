// The NEON kernels against the portable ones, built for 64-bit ARM and run by its processor or by qemu-user: the same
// noise through both must give the same words.  That the portable ones are right is known from the tests beside
// OpenSSL; one published key shows that this holds on ARM, too.
#include <cstdio>
#include <cstring>
#include <vector>

#include "crypto/kdf/kernels.hpp"
#include "sector_check.hpp"

namespace salvage::crypto::kdf {

void wipe_memory(void* at, std::size_t bytes) noexcept
{
    std::memset(at, 0, bytes);
}

namespace {

using Words = std::vector<std::uint32_t>;

std::uint32_t noise(std::size_t i)
{
    auto state = (i + 1) * 0x9E3779B97F4A7C15ULL;
    state = (state ^ (state >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    return static_cast<std::uint32_t>(state >> 32U);
}

/// Word w of lane l is noise that depends on both alone, whatever the number of lanes.
Words lanes_of_noise(std::size_t words, std::size_t lanes, std::size_t first_lane)
{
    Words out(words * lanes);
    for (std::size_t word = 0; word < words; ++word) {
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            out[(word * lanes) + lane] = noise((word * 1000) + first_lane + lane);
        }
    }
    return out;
}

Words sums_of(const Pbkdf2Kernel& kernel, std::size_t digest_words, std::size_t blocks, std::uint32_t iterations,
              std::size_t first_lane)
{
    const auto keys = lanes_of_noise(block_words, kernel.lanes, first_lane);
    const auto messages = lanes_of_noise(blocks * block_words, kernel.lanes, first_lane);
    Words sums(digest_words * kernel.lanes);
    kernel.run({.keys = keys.data(),
                .messages = messages.data(),
                .message_blocks = blocks,
                .iterations = iterations,
                .sums = sums.data()});
    return sums;
}

bool pbkdf2_agrees(const Pbkdf2Kernel& kernel, const Pbkdf2Kernel& twin, std::size_t digest_words)
{
    for (std::size_t blocks = 1; blocks <= 2; ++blocks) {
        for (const std::uint32_t iterations : {1U, 2U, 3U, 50U}) {
            const auto sums = sums_of(kernel, digest_words, blocks, iterations, 0);
            for (std::size_t lane = 0; lane < kernel.lanes; ++lane) {
                const auto expected = sums_of(twin, digest_words, blocks, iterations, lane);
                for (std::size_t word = 0; word < digest_words; ++word) {
                    if (sums[(word * kernel.lanes) + lane] != expected[word * twin.lanes]) {
                        std::printf("PBKDF2: lane %zu, word %zu, %u iterations\n", lane, word, iterations);
                        return false;
                    }
                }
            }
        }
    }
    return true;
}

/// Block k of lane l, as the kernel lays it out.
std::size_t at(const ScryptKernel& kernel, unsigned r_log2, std::size_t lane, std::size_t k, std::size_t word)
{
    const auto group = lane / kernel.group_lanes;
    return ((((((group << (r_log2 + 1)) + k) * block_words) + word)) * kernel.group_lanes) +
           (lane % kernel.group_lanes);
}

/// Every lane's mixed blocks, one lane after the other.
Words mixed_by(const ScryptKernel& kernel, std::size_t lanes, unsigned n_log2, unsigned r_log2)
{
    const auto blocks = std::size_t{2} << r_log2;
    std::vector<std::byte> memory(((lanes * blocks) << (n_log2 + 6)) + 64);
    auto* const table = memory.data() + (64 - (reinterpret_cast<std::uintptr_t>(memory.data()) % 64));
    Words out;
    for (std::size_t first = 0; first < lanes; first += kernel.lanes) {
        const auto used = kernel.lanes < lanes - first ? kernel.lanes : lanes - first;
        Words x(kernel.lanes * blocks * block_words);
        for (std::size_t lane = 0; lane < kernel.lanes; ++lane) {
            const auto source = first + (lane < used ? lane : used - 1);
            for (std::size_t i = 0; i < blocks * block_words; ++i) {
                x[at(kernel, r_log2, lane, i / block_words, i % block_words)] = noise((source * 100000) + i);
            }
        }
        kernel.run({.blocks = x.data(), .table = table, .slots = used, .n_log2 = n_log2, .r_log2 = r_log2});
        for (std::size_t lane = 0; lane < used; ++lane) {
            for (std::size_t i = 0; i < blocks * block_words; ++i) {
                const auto place = scrypt_place(i / block_words, std::size_t{2} << n_log2, r_log2);
                out.push_back(x[at(kernel, r_log2, lane, place, i % block_words)]);
            }
        }
    }
    return out;
}

bool scrypt_agrees()
{
    for (const auto& kernel : scrypt_neon.by_lanes) {
        for (unsigned n = 1; kernel.run != nullptr && n <= 6; ++n) {
            for (unsigned r = 0; r <= 4; ++r) {
                for (std::size_t lanes = 1; lanes <= kernel.lanes + 1; ++lanes) {
                    if (mixed_by(kernel, lanes, n, r) != mixed_by(scrypt_portable.by_lanes[0], lanes, n, r)) {
                        std::printf("scrypt: %zu of %zu lanes, factors %u:%u\n", lanes, kernel.lanes, n, r);
                        return false;
                    }
                }
            }
        }
    }
    return true;
}

/// RFC 6070, the first vector: "password", "salt", one iteration.
bool published_key_agrees()
{
    const auto& kernel = pbkdf2_neon.sha1;
    Words keys(block_words * kernel.lanes);
    Words messages(block_words * kernel.lanes);
    const auto put = [&](Words& words, std::size_t word, std::uint32_t value) {
        for (std::size_t lane = 0; lane < kernel.lanes; ++lane) {
            words[(word * kernel.lanes) + lane] = value;
        }
    };
    put(keys, 0, 0x70617373);     // "pass"
    put(keys, 1, 0x776F7264);     // "word"
    put(messages, 0, 0x73616C74); // "salt"
    put(messages, 1, 1);          // the output block's number
    put(messages, 2, 0x80000000);
    put(messages, 15, (64 + 8) * 8);
    Words sums(5 * kernel.lanes);
    kernel.run(
        {.keys = keys.data(), .messages = messages.data(), .message_blocks = 1, .iterations = 1, .sums = sums.data()});
    return sums[0] == 0x0C60C80F && sums[4 * kernel.lanes] == 0x2FE037A6;
}

} // namespace
} // namespace salvage::crypto::kdf

int main()
{
    using namespace salvage::crypto::kdf;
    const bool agrees = pbkdf2_agrees(pbkdf2_neon.sha1, pbkdf2_portable.sha1, 5) &&
                        pbkdf2_agrees(pbkdf2_neon.sha256, pbkdf2_portable.sha256, 8) && scrypt_agrees();
    const bool published = published_key_agrees();
    std::printf("NEON and portable kernels %s; the published key is %s\n", agrees ? "agree" : "DISAGREE",
                published ? "right" : "WRONG");
    return agrees && published && salvage::crypto::sector::neon_is_right() ? 0 : 1;
}
