// Sparse pieces of any image: each is read by our own reader, fits its limit, and all together are the image.
#include <algorithm>
#include <cstdint>
#include <functional>

#include "require.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/sparse_pieces.hpp"

namespace {

using namespace salvage;
using fuzz::require;

/// One block of 512 bytes for each byte of the input: one word over and over, or that word in a changing company.
Bytes image_of(ByteView letters)
{
    constexpr std::size_t block = 512;
    Bytes out(letters.size() * block);
    for (std::size_t i = 0; i < out.size(); ++i) {
        const auto letter = std::to_integer<unsigned>(letters[i / block]);
        const bool is_changing = (letter & 1U) != 0;
        out[i] = static_cast<std::byte>((letter >> 1U) + (is_changing ? (i * 2654435761U) >> 16U : 0U));
    }
    return out;
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 2 || size > 600) {
        return 0;
    }
    const auto input = std::as_bytes(std::span{data, size});
    const ByteCount most{load_le<std::uint16_t>(input)};
    const auto image = image_of(input.subspan(2));
    const auto pieces = io::make_sparse_pieces(io::make_memory(image, "image"), {.max_piece = most});
    if (!pieces.has_value()) {
        require(pieces.error().code == ErrorCode::invalid_argument && most.value < 4096 + 64);
        return 0;
    }
    Bytes sum(image.size());
    for (const auto& piece : *pieces) {
        require(piece->size() <= most);
        const auto unpacked = io::make_sparse(piece);
        require(unpacked.has_value() && (*unpacked)->size().value == image.size());
        const auto bytes = io::read_all(**unpacked, ByteCount{image.size()});
        require(bytes.has_value());
        std::ranges::transform(sum, *bytes, sum.begin(), std::bit_or{});
    }
    require(sum == image);
    return 0;
}
