// Deciphering sectors in memory: ours, beside OpenSSL called once a sector with a new context each time (the plain way
// to write it), OpenSSL with the context kept, and memcpy, which moves the same bytes without any cipher.
//
// Memory is shared with neighbours: compare runs that alternate, by their CPU time, as
//   sector_cipher_bench --benchmark_repetitions=9 --benchmark_enable_random_interleaving=true
#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "salvage/core/bytes.hpp"
#include "salvage/crypto/cipher.hpp"
#include "salvage/crypto/hash.hpp"

namespace {

using namespace salvage;

constexpr std::size_t sector_bytes = 512;
constexpr std::size_t volume_bytes = 64ULL << 20U; // larger than the caches
constexpr std::size_t piece_bytes = 256ULL << 10U; // what a view deciphers at a time: within the second-level cache
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
    const char* openssl_name; ///< null where it has no such cipher
};
constexpr std::array jobs{Job{.name = "aes-cbc-essiv:sha256", .key_bytes = 16, .openssl_name = "AES-128-CBC"},
                          Job{.name = "aes-cbc-essiv:sha256", .key_bytes = 32, .openssl_name = "AES-256-CBC"},
                          Job{.name = "aes-xts-plain64", .key_bytes = 32, .openssl_name = "AES-128-XTS"},
                          Job{.name = "aes-xts-plain64", .key_bytes = 64, .openssl_name = "AES-256-XTS"},
                          Job{.name = "xchacha12,aes-adiantum-plain64", .key_bytes = 32, .openssl_name = nullptr}};
constexpr std::int64_t jobs_of_openssl = 3; // the last of them

/// The volume in cipher text, and what it deciphers to.  Arguments: the job, its sector size, the instruction set (-1:
/// the fastest).
struct Sample {
    Job job;
    crypto::SectorCipherSpec spec;
    Bytes key;
    Bytes plain;
    Bytes ciphered;
    std::unique_ptr<const crypto::SectorCipher> cipher;
    std::string isa;

    explicit Sample(const benchmark::State& state, std::size_t bytes = volume_bytes)
        : job{jobs.at(static_cast<std::size_t>(state.range(0)))}, spec{spec_of(job, state.range(1))},
          key{pattern(job.key_bytes)}, plain{pattern(bytes)}, ciphered{plain}
    {
        std::optional<crypto::SectorIsa> only;
        if (state.range(2) >= 0) {
            only = crypto::supported_sector_isas()[static_cast<std::size_t>(state.range(2))];
        }
        isa = only ? to_string(*only) : "fastest";
        cipher = crypto::make_sector_cipher(spec, key, only).unwrap();
        cipher->encrypt(first_sector, ciphered);
    }
    static crypto::SectorCipherSpec spec_of(const Job& job, std::int64_t sector)
    {
        auto spec = crypto::parse_cipher_name(job.name).unwrap();
        spec.sector = SectorSize::make(static_cast<std::uint64_t>(sector)).value();
        return spec;
    }
};

constexpr std::size_t stream_alignment = 64;

/// The part of `bytes` that starts at a cache line, as memory that is mapped for a result does.
std::span<std::byte> aligned(std::span<std::byte> bytes)
{
    void* at = bytes.data();
    auto room = bytes.size();
    std::align(stream_alignment, 1, at, room);
    return bytes.last(room);
}

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

void finish(benchmark::State& state, const Sample& sample, const Bytes& answer, const std::string& what)
{
    if (answer != sample.plain) {
        state.SkipWithError("wrong answer");
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(sample.plain.size()));
    state.SetLabel(std::string{sample.job.name} + ", " + std::to_string(sample.job.key_bytes * 8) + "-bit key, " +
                   what);
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

// What is deciphered already is deciphered again: that costs the same, and only the first round has an answer to check.
void decrypt_again(benchmark::State& state, const Sample& sample, const char* where)
{
    Bytes data = sample.ciphered;
    sample.cipher->decrypt(first_sector, data);
    const auto first_answer = data;
    for (auto _ : state) {
        sample.cipher->decrypt(first_sector, data);
        benchmark::ClobberMemory();
    }
    finish(state, sample, first_answer, std::string{where} + ", " + sample.isa);
}

/// RAM to RAM: what memcpy does, and the cipher besides.
void decrypt_into(benchmark::State& state)
{
    const Sample sample{state};
    Bytes answer(volume_bytes + stream_alignment);
    const auto target = aligned(answer).first(volume_bytes);
    for (auto _ : state) {
        sample.cipher->decrypt_into(first_sector, sample.ciphered, target, crypto::TargetMemory::cold);
        benchmark::ClobberMemory();
    }
    finish(state, sample, {target.begin(), target.end()}, "from RAM to RAM, " + sample.isa);
}

void decrypt_in_place(benchmark::State& state)
{
    decrypt_again(state, Sample{state}, "in place in RAM");
}
void decrypt_in_cache(benchmark::State& state)
{
    decrypt_again(state, Sample{state, piece_bytes}, "in place in the cache");
}

void openssl_decrypt(benchmark::State& state)
{
    const Sample sample{state};
    const bool is_context_kept = state.range(3) != 0;
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

void all_isas(benchmark::internal::Benchmark* benchmark)
{
    for (std::int64_t job = 0; job < static_cast<std::int64_t>(jobs.size()); ++job) {
        const std::int64_t sector = job > jobs_of_openssl ? 4096 : 512;
        for (std::int64_t isa = 0; isa < static_cast<std::int64_t>(crypto::supported_sector_isas().size()); ++isa) {
            benchmark->Args({job, sector, isa});
        }
    }
}

BENCHMARK(copy_only)->Unit(benchmark::kMillisecond);
BENCHMARK(decrypt_into)
    ->ArgsProduct({{0, 1, 2, 3}, {512, 4096}, {-1}})
    ->Args({4, 4096, -1})
    ->Unit(benchmark::kMillisecond);
BENCHMARK(decrypt_in_place)->ArgsProduct({{0, 1, 2, 3}, {512}, {-1}})->Unit(benchmark::kMillisecond);
BENCHMARK(openssl_decrypt)->ArgsProduct({{0, 1, 2, 3}, {512}, {-1}, {0, 1}})->Unit(benchmark::kMillisecond);
BENCHMARK(decrypt_in_cache)->Apply(all_isas)->Unit(benchmark::kMicrosecond);

} // namespace
