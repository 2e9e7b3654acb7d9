// Persist data: no more entries than a copy holds, each no longer than its field.
#include <cstdint>
#include <cstdlib>

#include "salvage/fde/footer.hpp"

namespace {

using namespace salvage;

void require(bool holds)
{
    if (!holds) {
        std::abort();
    }
}

} // namespace

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
