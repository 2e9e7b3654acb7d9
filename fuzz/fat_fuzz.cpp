// FAT12, FAT16, FAT32, exFAT: whatever opens is walked, its deleted files are looked for.
#include <cstdint>

#include "salvage/io/sources.hpp"
#include "walk_filesystem.hpp"

using namespace salvage;

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto bytes = std::as_bytes(std::span{data, size});
    const auto fs = filesystem::open(io::make_memory(Bytes{bytes.begin(), bytes.end()}, "fuzz.img"));
    fuzz::walk_opened(fs);
    fuzz::walk_deleted(fs);
    return 0;
}
