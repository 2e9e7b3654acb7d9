// Persist data: no more entries than a copy holds, each no longer than its field.
#include <cstdint>

#include "require.hpp"
#include "salvage/fde/footer.hpp"

using namespace salvage;
using fuzz::require;

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto entries = fde::parse_persist_data(std::as_bytes(std::span{data, size}));
    if (!entries.has_value()) {
        require(!entries.error().what.empty() && entries.error().where.has_value());
        return 0;
    }
    require(entries->size() <= 32);
    for (const auto& entry : *entries) {
        require(entry.key.size() <= 32 && entry.value.size() <= 92);
    }
    return 0;
}
