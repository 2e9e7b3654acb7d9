// PMT: as a file of its own, and near the end of a dump.
#include "table_walk.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto bytes = std::as_bytes(std::span{data, size});
    salvage::fuzz::walk_file(bytes, "pmt.bin");
    salvage::fuzz::walk_dump({}, bytes);
    return 0;
}
