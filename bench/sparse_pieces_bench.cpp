// Cutting an image into sparse pieces and encoding them, beside merely copying it and beside Debian's img2simg.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "salvage/io/sources.hpp"
#include "salvage/io/sparse_pieces.hpp"

namespace {

using namespace salvage;

constexpr std::size_t image_bytes = std::size_t{256} << 20U;
constexpr std::size_t step_bytes = std::size_t{1} << 20U;

enum class Content : std::uint8_t { noise, half_zero };

Bytes make_image(Content content)
{
    Bytes bytes(image_bytes);
    std::uint64_t state = 1;
    for (std::size_t i = 0; i + 8 <= bytes.size(); i += 8) {
        state = (state * 6364136223846793005ULL) + 1442695040888963407ULL;
        const bool is_zero = content == Content::half_zero && (i >> 16U) % 2 == 1; // each second 64 KiB
        store_le<std::uint64_t>(std::span{bytes}.subspan(i), is_zero ? 0 : state ^ (state >> 29U));
    }
    return bytes;
}

const io::SourcePtr& image(Content content)
{
    static const auto noise = io::make_memory(make_image(Content::noise), "noise");
    static const auto half_zero = io::make_memory(make_image(Content::half_zero), "half zero");
    return content == Content::noise ? noise : half_zero;
}

/// Reads a source from end to end as a download does; the sum of the bytes read.
std::uint64_t read_through(const io::ByteSource& source, Bytes& buffer)
{
    const auto size = source.size().value;
    for (std::uint64_t at = 0; at < size; at += buffer.size()) {
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size - at));
        if (!source.read_at(ByteOffset{at}, std::span{buffer}.first(count)).has_value()) {
            return 0;
        }
        benchmark::DoNotOptimize(buffer.data());
    }
    return size;
}

/// The pieces hold the image: they unpack to as many bytes, and the first one to the same.
bool is_right(const std::vector<io::SourcePtr>& pieces, const io::ByteSource& source)
{
    const auto unpacked = io::make_sparse(pieces.front()).unwrap();
    const auto ours = io::read_bytes(*unpacked, ByteOffset{0}, ByteCount{step_bytes}).unwrap();
    return unpacked->size() == source.size() &&
           ours == io::read_bytes(source, ByteOffset{0}, ByteCount{step_bytes}).unwrap();
}

void finish(benchmark::State& state, bool is_right_answer)
{
    if (!is_right_answer) {
        state.SkipWithError("wrong answer");
    }
    state.SetBytesProcessed(state.iterations() * std::int64_t{image_bytes});
}

void salvage_scan(benchmark::State& state, Content content)
{
    const auto& source = image(content);
    std::vector<io::SourcePtr> pieces;
    for (auto _ : state) {
        pieces = io::make_sparse_pieces(source, {.max_piece = ByteCount{128ULL << 20U}}).unwrap();
    }
    finish(state, is_right(pieces, *source));
}

void salvage_scan_and_encode(benchmark::State& state, Content content)
{
    const auto& source = image(content);
    Bytes buffer(step_bytes);
    std::uint64_t read = 0;
    for (auto _ : state) {
        read = 0;
        for (const auto& piece : io::make_sparse_pieces(source, {.max_piece = ByteCount{128ULL << 20U}}).unwrap()) {
            read += read_through(*piece, buffer);
        }
    }
    const auto most = content == Content::noise ? image_bytes + 4096 : image_bytes / 2 + (image_bytes >> 10U);
    finish(state, read >= image_bytes / 2 && read <= most);
}

void copy_only(benchmark::State& state, Content content)
{
    const auto& source = image(content);
    Bytes buffer(step_bytes);
    std::uint64_t read = 0;
    for (auto _ : state) {
        read = read_through(*source, buffer);
    }
    finish(state, read == image_bytes);
}

/// From file to file, both in memory (/dev/shm): the process's start is in the time.
void img2simg(benchmark::State& state, Content content)
{
    const std::filesystem::path from = "/dev/shm/salvage_sparse_bench.img";
    const std::filesystem::path into = "/dev/shm/salvage_sparse_bench.simg";
    {
        const auto bytes = io::read_all(*image(content), ByteCount{image_bytes}).unwrap();
        const auto text = as_text(bytes);
        std::ofstream{from, std::ios::binary}.write(text.data(), static_cast<std::streamsize>(text.size()));
    }
    const auto command = "img2simg '" + from.string() + "' '" + into.string() + "'";
    int failed = 0;
    for (auto _ : state) {
        std::filesystem::remove(into);
        failed |= std::system(command.c_str());
    }
    const bool is_there = failed == 0 && std::filesystem::file_size(into) >= image_bytes / 2;
    std::filesystem::remove(from);
    std::filesystem::remove(into);
    finish(state, is_there);
}

BENCHMARK_CAPTURE(copy_only, noise, Content::noise)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(salvage_scan, noise, Content::noise)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(salvage_scan_and_encode, noise, Content::noise)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(img2simg, noise, Content::noise)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(3);
BENCHMARK_CAPTURE(copy_only, half_zero, Content::half_zero)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(salvage_scan, half_zero, Content::half_zero)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(salvage_scan_and_encode, half_zero, Content::half_zero)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(img2simg, half_zero, Content::half_zero)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(3);

} // namespace
