// Physical clusters of EROFS, unpacked by the libraries of the four codecs.
#include "codecs.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <fmt/format.h>

namespace salvage::filesystem::erofs {
namespace {

constexpr std::array<std::string_view, algorithms> names{"LZ4", "LZMA", "DEFLATE", "zstd"};

/// What a codec made of its input.
struct Outcome {
    std::size_t written{0};
    bool is_at_end{false}; ///< the stream ended, and nothing stands behind it
    bool is_broken{false};
};

Outcome unpack_lz4(ByteView data, const Packing& packing, std::span<std::byte> out)
{
    const auto* const from = as_text(data).data();
    auto* const into = reinterpret_cast<char*>(out.data()); // NOLINT: char may alias bytes
    const auto from_bytes = static_cast<int>(data.size());  // both below 16 MiB
    const auto into_bytes = static_cast<int>(out.size());
    const bool is_open = packing.is_partial || !packing.has_leading_padding;
    const auto written = is_open ? ::LZ4_decompress_safe_partial(from, into, from_bytes, into_bytes, into_bytes)
                                 : ::LZ4_decompress_safe(from, into, from_bytes, into_bytes);
    return {.written = written < 0 ? 0 : static_cast<std::size_t>(written),
            .is_at_end = true, // LZ4_decompress_safe takes all of its input
            .is_broken = written < 0};
}

Outcome unpack_lzma(ByteView data, const Packing& packing, std::span<std::byte> out)
{
    constexpr std::uint32_t least_window = 4096; // LZMA_DICT_SIZE_MIN
    lzma_stream stream = LZMA_STREAM_INIT;
    // Clusters are packed each for itself: no window need be larger than the output.
    const auto window = std::max(static_cast<std::uint32_t>(out.size()), least_window);
    const bool is_exact = !packing.is_partial;
    if (::lzma_microlzma_decoder(&stream, data.size(), out.size(), is_exact ? 1 : 0, window) != LZMA_OK) {
        return {.is_broken = true};
    }
    stream.next_in = as_uchar(data);
    stream.avail_in = data.size();
    stream.next_out = as_uchar(out);
    stream.avail_out = out.size();
    const auto result = ::lzma_code(&stream, LZMA_FINISH);
    const Outcome outcome{.written = out.size() - stream.avail_out,
                          .is_at_end = result == LZMA_STREAM_END && stream.avail_in == 0,
                          .is_broken = result != LZMA_OK && result != LZMA_STREAM_END};
    ::lzma_end(&stream);
    return outcome;
}

Outcome unpack_deflate(ByteView data, std::span<std::byte> out)
{
    constexpr int raw_stream = -15;
    z_stream stream{};
    if (::inflateInit2(&stream, raw_stream) != Z_OK) {
        return {.is_broken = true};
    }
    stream.next_in = const_cast<Bytef*>(as_uchar(data)); // NOLINT(cppcoreguidelines-pro-type-const-cast): zlib's way
    stream.avail_in = static_cast<uInt>(data.size());
    stream.next_out = as_uchar(out);
    stream.avail_out = static_cast<uInt>(out.size());
    const auto result = ::inflate(&stream, Z_SYNC_FLUSH);
    const Outcome outcome{.written = out.size() - stream.avail_out,
                          .is_at_end = result == Z_STREAM_END && stream.avail_in == 0,
                          .is_broken = result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR};
    ::inflateEnd(&stream);
    return outcome;
}

Outcome unpack_zstd(ByteView data, std::span<std::byte> out)
{
    constexpr int largest_window_bits = 24; // that of the largest cluster; the format keeps to 1 MiB
    const std::unique_ptr<ZSTD_DCtx, decltype(&::ZSTD_freeDCtx)> context{::ZSTD_createDCtx(), &::ZSTD_freeDCtx};
    if (context == nullptr ||
        ::ZSTD_isError(::ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, largest_window_bits)) != 0) {
        return {.is_broken = true};
    }
    ZSTD_inBuffer from{.src = data.data(), .size = data.size(), .pos = 0};
    ZSTD_outBuffer into{.dst = out.data(), .size = out.size(), .pos = 0};
    const auto left = ::ZSTD_decompressStream(context.get(), &into, &from);
    return {
        .written = into.pos, .is_at_end = left == 0 && from.pos == from.size, .is_broken = ::ZSTD_isError(left) != 0};
}

Outcome unpack_by(ByteView data, const Packing& packing, std::span<std::byte> out)
{
    switch (packing.algorithm) {
    case Algorithm::lz4: return unpack_lz4(data, packing, out);
    case Algorithm::lzma: return unpack_lzma(data, packing, out);
    case Algorithm::deflate: return unpack_deflate(data, out);
    case Algorithm::zstd: return unpack_zstd(data, out);
    }
    return {.is_broken = true};
}

} // namespace

std::string_view to_string(Algorithm algorithm) noexcept
{
    const auto index = static_cast<std::size_t>(algorithm);
    return index < names.size() ? names[index] : "unknown";
}

std::uint64_t most_unpacked_bytes(Algorithm algorithm, std::uint64_t packed_bytes) noexcept
{
    constexpr std::uint64_t most_of_lz4 = 255;
    constexpr std::uint64_t most_of_deflate = 1032; // two bits for 258 bytes
    switch (algorithm) {
    case Algorithm::lz4: return std::min(packed_bytes * most_of_lz4, max_unpacked_bytes);
    case Algorithm::deflate: return std::min(packed_bytes * most_of_deflate, max_unpacked_bytes);
    case Algorithm::lzma:
    case Algorithm::zstd: break;
    }
    return max_unpacked_bytes;
}

Result<> unpack(ByteView packed, const Packing& packing, std::span<std::byte> out)
{
    auto data = packed;
    if (packing.has_leading_padding || packing.algorithm != Algorithm::lz4) {
        const auto first = std::ranges::find_if(packed, [](std::byte byte) { return byte != std::byte{0}; });
        data = packed.subspan(static_cast<std::size_t>(first - packed.begin()));
    }
    const ByteOffset at{packed.size() - data.size()};
    const auto name = to_string(packing.algorithm);
    if (data.empty()) {
        return malformed(at, "a compressed part of a file is damaged", "there are zeros only");
    }
    const auto outcome = unpack_by(data, packing, out);
    if (outcome.is_broken) {
        return malformed(at, "a compressed part of a file is damaged", fmt::format("its {} data cannot be read", name));
    }
    if (outcome.written != out.size()) {
        return malformed(at, "a compressed part of a file is damaged",
                         fmt::format("{} unpacks it to {} bytes, expected {}", name, outcome.written, out.size()));
    }
    if (!outcome.is_at_end && !packing.is_partial) {
        return malformed(at, "a compressed part of a file is damaged",
                         fmt::format("its {} data does not end where the part does", name));
    }
    return {};
}

} // namespace salvage::filesystem::erofs
