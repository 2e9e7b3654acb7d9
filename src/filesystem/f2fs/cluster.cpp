// Compressed clusters of f2fs, unpacked one by one.
#include "cluster.hpp"

#include <lz4.h>
#include <zstd.h>

#include <fmt/format.h>

#include "lzo.hpp"

namespace salvage::filesystem::f2fs {
namespace {

constexpr std::size_t header_bytes = 24;

/// Linux, fs/f2fs/f2fs.h, enum compress_algorithm_type.
enum class Algorithm : std::uint8_t { lzo = 0, lz4 = 1, zstd = 2, lzo_with_runs = 3 };

Error incomplete(std::string_view codec, std::size_t written, std::size_t expected)
{
    return malformed(ByteOffset{header_bytes}, "a compressed part of a file is damaged",
                     fmt::format("{} unpacks it to {} bytes, expected {}", codec, written, expected));
}

Result<> unpack_lz4(ByteView data, std::span<std::byte> out)
{
    const auto* const from = as_text(data).data();
    // Both sizes are below 1 MiB.
    const auto written =
        ::LZ4_decompress_safe(from, reinterpret_cast<char*>(out.data()), // NOLINT: char may alias bytes
                              static_cast<int>(data.size()), static_cast<int>(out.size()));
    if (written < 0) {
        return malformed(ByteOffset{header_bytes}, "a compressed part of a file is damaged",
                         "its LZ4 data cannot be read");
    }
    if (static_cast<std::size_t>(written) != out.size()) {
        return incomplete("LZ4", static_cast<std::size_t>(written), out.size());
    }
    return {};
}

Result<> unpack_zstd(ByteView data, std::span<std::byte> out)
{
    const auto written = ::ZSTD_decompress(out.data(), out.size(), data.data(), data.size());
    if (::ZSTD_isError(written) != 0) {
        return malformed(ByteOffset{header_bytes}, "a compressed part of a file is damaged",
                         fmt::format("libzstd says: {}", ::ZSTD_getErrorName(written)));
    }
    return written == out.size() ? Result<>{} : incomplete("zstd", written, out.size());
}

} // namespace

Result<> unpack_cluster(ByteView packed, const Compression& compression, std::span<std::byte> out)
{
    if (packed.size() < block_bytes) {
        return truncated(ByteOffset{packed.size()}, "a compressed part of a file is cut short");
    }
    const std::size_t data_bytes = load_le<std::uint32_t>(packed);
    if (data_bytes == 0 || data_bytes > packed.size() - header_bytes) {
        return malformed(ByteOffset{0}, "a compressed part of a file has an impossible length",
                         fmt::format("{} bytes in {}", data_bytes, packed.size() - header_bytes));
    }
    const auto data = packed.subspan(header_bytes, data_bytes);
    const auto stored = load_le<std::uint32_t>(packed.subspan(4));
    if (compression.has_checksums && checksum(magic, data) != stored) {
        return malformed(ByteOffset{4}, "the checksum of a compressed part of a file is wrong",
                         fmt::format("found {:08x}, computed {:08x}", stored, checksum(magic, data)));
    }
    switch (static_cast<Algorithm>(compression.algorithm)) {
    case Algorithm::lzo:
    case Algorithm::lzo_with_runs: return unpack_lzo(data, out).in("unpacking a compressed part of a file");
    case Algorithm::lz4: return unpack_lz4(data, out);
    case Algorithm::zstd: return unpack_zstd(data, out);
    }
    return unsupported("a file is compressed in a way that is not known here",
                       fmt::format("algorithm {}", compression.algorithm));
}

} // namespace salvage::filesystem::f2fs
