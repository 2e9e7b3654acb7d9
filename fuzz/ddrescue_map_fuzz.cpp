// ddrescue maps: bad areas come in order, apart from each other and not empty.
#include <cstdint>
#include <cstdlib>

#include "salvage/core/bytes.hpp"
#include "salvage/io/ddrescue_map.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace salvage;
    const auto bad = io::parse_bad_areas(as_text(std::as_bytes(std::span{data, size})));
    if (!bad.has_value()) {
        return bad.error().where.has_value() ? 0 : (std::abort(), 0);
    }
    ByteOffset at;
    bool is_first = true;
    for (const auto& area : *bad) {
        if (area.is_empty() || (!is_first && area.start() <= at)) {
            std::abort();
        }
        at = area.end();
        is_first = false;
    }
    return 0;
}
