// EROFS: whatever opens is walked; what is read twice is the same, and extents tell what can be read.
#include <cstdint>

#include "salvage/io/sources.hpp"
#include "walk_filesystem.hpp"

using namespace salvage;

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto bytes = std::as_bytes(std::span{data, size});
    fuzz::walk_opened(filesystem::open(io::make_memory(Bytes{bytes.begin(), bytes.end()}, "fuzz.img")));
    return 0;
}
