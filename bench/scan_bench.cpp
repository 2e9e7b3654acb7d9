// Searching in memory: ours on each instruction set, beside memmem, a loop of it for each pattern, and merely reading.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>

#include "salvage/scan/matcher.hpp"

namespace {

using namespace salvage;

constexpr std::size_t chunk = std::size_t{256} << 10U; // what a scan reads at once: it stays in the cache

Bytes noise()
{
    Bytes bytes(chunk);
    std::uint64_t state = 1;
    for (auto& byte : bytes) {
        state = (state * 6364136223846793005ULL) + 1442695040888963407ULL;
        byte = static_cast<std::byte>(state >> 56U);
    }
    return bytes;
}

std::vector<scan::Pattern> one_text()
{
    const auto text = as_bytes("aes-cbc-essiv:sha256");
    return {{.name = "text", .bytes = {text.begin(), text.end()}}};
}

/// The bytes with each pattern planted once near the end, at a place it belongs to.
Bytes planted(const std::vector<scan::Pattern>& patterns)
{
    auto bytes = noise();
    constexpr std::size_t apart = 1024;
    auto at = chunk - (apart * patterns.size());
    for (const auto& pattern : patterns) {
        std::ranges::copy(pattern.bytes, bytes.begin() + static_cast<std::ptrdiff_t>(at + pattern.offset_in_unit));
        at += apart;
    }
    return bytes;
}

void finish(benchmark::State& state, std::size_t found, std::size_t expected)
{
    if (found != expected) {
        state.SkipWithError("wrong answer");
    }
    state.SetBytesProcessed(state.iterations() * std::int64_t{chunk});
}

void search(benchmark::State& state, const std::vector<scan::Pattern>& patterns)
{
    const auto isa = static_cast<scan::Isa>(state.range(0));
    state.SetLabel(std::string{to_string(isa)});
    if (!scan::is_available(isa)) {
        state.SkipWithError("this machine cannot run it");
        return;
    }
    const auto bytes = planted(patterns);
    const auto matcher = scan::Matcher::make(patterns, isa).unwrap();
    std::size_t found = 0;
    for (auto _ : state) {
        found = 0;
        matcher.find(bytes, 0, ByteOffset{0}, [&](const scan::Hit& /*hit*/) { ++found; });
    }
    finish(state, found, patterns.size());
}

void salvage_one_text(benchmark::State& state)
{
    search(state, one_text());
}

void salvage_all_signatures(benchmark::State& state)
{
    search(state, scan::default_patterns());
}

void memmem_for_each(benchmark::State& state, const std::vector<scan::Pattern>& patterns)
{
    const auto bytes = planted(patterns);
    std::size_t found = 0;
    for (auto _ : state) {
        found = 0;
        for (const auto& pattern : patterns) {
            found += ::memmem(bytes.data(), bytes.size(), pattern.bytes.data(), pattern.bytes.size()) != nullptr;
        }
    }
    finish(state, found, patterns.size());
}

void memmem_one_text(benchmark::State& state)
{
    memmem_for_each(state, one_text());
}

void memmem_all_signatures(benchmark::State& state)
{
    memmem_for_each(state, scan::default_patterns());
}

void read_only(benchmark::State& state)
{
    const auto bytes = noise();
    for (auto _ : state) {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < bytes.size(); i += 8) {
            std::uint64_t value = 0;
            std::memcpy(&value, bytes.data() + i, 8);
            sum += value;
        }
        benchmark::DoNotOptimize(sum);
    }
    finish(state, 0, 0);
}

BENCHMARK(salvage_one_text)->DenseRange(0, 2);
BENCHMARK(memmem_one_text);
BENCHMARK(salvage_all_signatures)->DenseRange(0, 2);
BENCHMARK(memmem_all_signatures);
BENCHMARK(read_only);

} // namespace
