// Searching a PIN by PBKDF2 as Android up to 4.3 derives its key: the engine with one thread and with all cores, beside
// a plain loop over OpenSSL's PKCS5_PBKDF2_HMAC.  And what the engine itself costs, with a target that costs nothing.
#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <string>
#include <thread>

#include "salvage/crypto/kdf.hpp"
#include "salvage/password/search.hpp"

namespace {

using namespace salvage;

constexpr Iterations rounds{2000};
constexpr std::uint64_t candidates = 1000;
using Key = std::array<std::byte, 32>;

constexpr std::array<std::byte, 16> salt{std::byte{0x10}, std::byte{0x20}, std::byte{0x30}, std::byte{0x40}};

Key openssl_key(std::string_view secret)
{
    Key key{};
    PKCS5_PBKDF2_HMAC(secret.data(), static_cast<int>(secret.size()), as_uchar(ByteView{salt}), int{salt.size()},
                      static_cast<int>(rounds.value), EVP_sha1(), int{key.size()}, as_uchar(std::span<std::byte>{key}));
    return key;
}

/// Knows the key of one secret.  The key comes from OpenSSL, so a hit says that both derive the same.
class KeyTarget final : public password::Target {
public:
    explicit KeyTarget(const Key& key) : key_{key} {}
    Result<bool> accepts(ByteView candidate) const override
    {
        Key key{};
        crypto::pbkdf2_sha1(candidate, salt, rounds, key);
        return key == key_;
    }
    Result<std::vector<std::string>> proof(ByteView /*candidate*/) const override { return std::vector<std::string>{}; }
    std::string identity() const override { return "bench"; }
    ByteCount memory_per_worker() const noexcept override { return ByteCount{0}; }

private:
    Key key_;
};

/// Compares with one text: next to nothing.
class TextTarget final : public password::Target {
public:
    explicit TextTarget(std::string text) : text_{std::move(text)} {}
    Result<bool> accepts(ByteView candidate) const override { return as_text(candidate) == text_; }
    Result<std::vector<std::string>> proof(ByteView /*candidate*/) const override { return std::vector<std::string>{}; }
    std::string identity() const override { return "bench"; }
    ByteCount memory_per_worker() const noexcept override { return ByteCount{0}; }

private:
    std::string text_;
};

std::string pin_at(const password::Keyspace& pins, std::uint64_t index)
{
    std::string pin;
    ignore(pins.candidate(index, pin), "the index is within the keyspace");
    return pin;
}

void finish(benchmark::State& state, bool is_right, std::uint64_t count, const std::string& label)
{
    if (!is_right) {
        state.SkipWithError("wrong answer");
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(count));
    state.SetLabel(label);
}

void openssl_pbkdf2(benchmark::State& state)
{
    const auto pins = password::make_pins(4, 4).unwrap();
    const auto wanted = openssl_key(pin_at(*pins, candidates - 1));
    std::uint64_t found = 0;
    for (auto _ : state) {
        std::string pin;
        for (std::uint64_t i = 0; i < candidates; ++i) {
            ignore(pins->candidate(i, pin), "the index is within the keyspace");
            found = openssl_key(pin) == wanted ? i : found;
        }
    }
    finish(state, found == candidates - 1, candidates, "a loop, one thread");
}

void engine_pbkdf2(benchmark::State& state)
{
    const auto pins = password::make_pins(4, 4).unwrap();
    const KeyTarget target{openssl_key(pin_at(*pins, candidates - 1))};
    password::SearchOptions options;
    options.workers = static_cast<unsigned>(state.range(0));
    bool is_right = true;
    for (auto _ : state) {
        const auto result = password::search(*pins, target, options, {}).unwrap();
        is_right = is_right && result.found && result.found->index == candidates - 1;
    }
    finish(state, is_right, candidates, "engine, " + std::to_string(state.range(0)) + " threads");
}

void engine_alone(benchmark::State& state)
{
    const auto pins = password::make_pins(6, 6).unwrap();
    const auto last = pins->size().value - 1;
    const TextTarget target{pin_at(*pins, last)};
    password::SearchOptions options;
    options.workers = static_cast<unsigned>(state.range(0));
    bool is_right = true;
    for (auto _ : state) {
        const auto result = password::search(*pins, target, options, {}).unwrap();
        is_right = is_right && result.found && result.found->index == last;
    }
    finish(state, is_right, last + 1, "a target that costs nothing, " + std::to_string(state.range(0)) + " threads");
}

void thread_counts(benchmark::internal::Benchmark* benchmark)
{
    const auto cores = std::max(1U, std::thread::hardware_concurrency());
    benchmark->Arg(1);
    if (cores > 1) {
        benchmark->Arg(cores);
    }
}

BENCHMARK(openssl_pbkdf2)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime()->UseRealTime();
BENCHMARK(engine_pbkdf2)->Apply(thread_counts)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime()->UseRealTime();
BENCHMARK(engine_alone)->Apply(thread_counts)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime()->UseRealTime();

} // namespace
