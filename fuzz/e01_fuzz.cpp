// Hostile E01 segments: whatever they say, opening and reading them is bounded.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "salvage/io/e01.hpp"
#include "salvage/io/sources.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace salvage;
    const auto bytes = std::as_bytes(std::span{data, size});
    const auto image = io::make_e01({io::make_memory({bytes.begin(), bytes.end()}, "image.E01")});
    if (!image.has_value()) {
        return 0;
    }
    ignore(image->content->extents(io::whole(*image->content)), "only that it ends is asked");
    Bytes buffer(65536);
    const auto end = std::min<std::uint64_t>(image->content->size().value, 1U << 20U);
    for (std::uint64_t at = 0; at + buffer.size() <= end; at += buffer.size()) {
        ignore(image->content->read_at(ByteOffset{at}, buffer), "damage is allowed here");
    }
    return 0;
}
