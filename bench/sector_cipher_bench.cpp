// Deciphering sectors in memory: ours, beside OpenSSL called once a sector with a new context each time (the plain way
// to write it), OpenSSL with the context kept, and memcpy, which moves the same bytes without any cipher.
#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <array>
#include <cstring>
#include <memory>

#include "salvage/core/bytes.hpp"
#include "salvage/crypto/cipher.hpp"
#include "salvage/crypto/hash.hpp"

namespace {

using namespace salvage;

constexpr std::size_t sector_bytes = 512;
constexpr std::size_t volume_bytes = 64ULL << 20U; // larger than the caches
constexpr SectorIndex first_sector{0x1234};

Bytes pattern(std::size_t size)
{
    Bytes bytes(size);
    std::uint64_t state = 1;
    for (auto& byte : bytes) {
        state = (state * 6364136223846793005ULL) + 1442695040888963407ULL;
        byte = static_cast<std::byte>(state >> 56U);
    }
    return bytes;
}

struct Job {
    const char* name;
    std::size_t key_bytes;
    const char* openssl_name;
};
constexpr std::array jobs{Job{.name = "aes-cbc-essiv:sha256", .key_bytes = 16, .openssl_name = "AES-128-CBC"},
                          Job{.name = "aes-cbc-essiv:sha256", .key_bytes = 32, .openssl_name = "AES-256-CBC"},
                          Job{.name = "aes-xts-plain64", .key_bytes = 32, .openssl_name = "AES-128-XTS"},
                          Job{.name = "aes-xts-plain64", .key_bytes = 64, .openssl_name = "AES-256-XTS"}};

/// The volume in cipher text, and what it deciphers to.
struct Sample {
    Job job;
    Bytes key;
    Bytes plain;
    Bytes ciphered;
    std::unique_ptr<const crypto::SectorCipher> cipher;

    explicit Sample(const benchmark::State& state)
        : job{jobs.at(static_cast<std::size_t>(state.range(0)))}, key{pattern(job.key_bytes)},
          plain{pattern(volume_bytes)}, ciphered{plain},
          cipher{crypto::make_sector_cipher(crypto::parse_cipher_name(job.name).unwrap(), key).unwrap()}
    {
        cipher->encrypt(first_sector, ciphered);
    }
};

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

Context new_context()
{
    return {EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free};
}

/// IVs as dm-crypt makes them, one at a time.
class IvMaker {
public:
    explicit IvMaker(const Sample& sample) : is_essiv_{std::string_view{sample.job.name}.ends_with("sha256")}
    {
        const auto key = crypto::sha256(sample.key);
        EVP_EncryptInit_ex2(context_.get(), EVP_aes_256_ecb(), as_uchar(ByteView{key}), nullptr, nullptr);
    }
    crypto::AesBlock operator()(std::uint64_t sector)
    {
        crypto::AesBlock iv{};
        store_le(std::span{iv}.first(8), sector);
        if (is_essiv_) {
            int written = 0;
            EVP_EncryptUpdate(context_.get(), as_uchar(std::span<std::byte>{iv}), &written, as_uchar(ByteView{iv}), 16);
        }
        return iv;
    }

private:
    bool is_essiv_;
    Context context_{new_context()};
};

void finish(benchmark::State& state, const Sample& sample, const Bytes& answer, const char* what)
{
    if (answer != sample.plain) {
        state.SkipWithError("wrong answer");
    }
    state.SetBytesProcessed(state.iterations() * std::int64_t{volume_bytes});
    state.SetLabel(std::string{sample.job.openssl_name} + ", " + what);
}

void copy_only(benchmark::State& state)
{
    const auto from = pattern(volume_bytes);
    Bytes into(volume_bytes);
    for (auto _ : state) {
        std::memcpy(into.data(), from.data(), from.size());
        benchmark::ClobberMemory();
    }
    if (into != from) {
        state.SkipWithError("wrong answer");
    }
    state.SetBytesProcessed(state.iterations() * std::int64_t{volume_bytes});
}

void salvage_decrypt(benchmark::State& state)
{
    const Sample sample{state};
    Bytes data = sample.ciphered;
    // What is deciphered already is deciphered again: that costs the same, and only the first round has an answer to
    // check.
    Bytes first_answer;
    for (auto _ : state) {
        sample.cipher->decrypt(first_sector, data);
        benchmark::ClobberMemory();
        if (first_answer.empty()) {
            state.PauseTiming();
            first_answer = data;
            state.ResumeTiming();
        }
    }
    finish(state, sample, first_answer, "batches");
}

void openssl_decrypt(benchmark::State& state)
{
    const Sample sample{state};
    const bool is_context_kept = state.range(1) != 0;
    const std::unique_ptr<EVP_CIPHER, decltype(&EVP_CIPHER_free)> algorithm{
        EVP_CIPHER_fetch(nullptr, sample.job.openssl_name, nullptr), EVP_CIPHER_free};
    const auto* const key = as_uchar(ByteView{sample.key});
    IvMaker iv_of{sample};
    auto context = new_context();
    EVP_DecryptInit_ex2(context.get(), algorithm.get(), key, nullptr, nullptr);
    EVP_CIPHER_CTX_set_padding(context.get(), 0);
    Bytes answer(volume_bytes);
    for (auto _ : state) {
        for (std::size_t at = 0; at < volume_bytes; at += sector_bytes) {
            const auto iv = iv_of(first_sector.value + (at / sector_bytes));
            if (is_context_kept) {
                EVP_DecryptInit_ex2(context.get(), nullptr, nullptr, as_uchar(ByteView{iv}), nullptr);
            } else {
                context = new_context();
                EVP_DecryptInit_ex2(context.get(), algorithm.get(), key, as_uchar(ByteView{iv}), nullptr);
                EVP_CIPHER_CTX_set_padding(context.get(), 0);
            }
            int written = 0;
            EVP_DecryptUpdate(context.get(), as_uchar(std::span<std::byte>{answer}.subspan(at, sector_bytes)), &written,
                              as_uchar(ByteView{sample.ciphered}.subspan(at, sector_bytes)), sector_bytes);
        }
        benchmark::ClobberMemory();
    }
    finish(state, sample, answer, is_context_kept ? "a call a sector, context kept" : "a new context a sector");
}

BENCHMARK(copy_only)->Unit(benchmark::kMillisecond);
BENCHMARK(salvage_decrypt)->DenseRange(0, 3)->Unit(benchmark::kMillisecond);
BENCHMARK(openssl_decrypt)->ArgsProduct({{0, 1, 2, 3}, {0, 1}})->Unit(benchmark::kMillisecond);

} // namespace
