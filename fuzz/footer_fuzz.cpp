// Crypto footers: what is accepted describes itself within its bytes, and says whether it can be opened.
#include <cstdint>

#include "require.hpp"
#include "salvage/fde/unlock.hpp"

using namespace salvage;
using fuzz::require;

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto bytes = std::as_bytes(std::span{data, size});
    const auto footer = fde::parse_footer(bytes);
    const auto fields = fde::describe_footer(bytes);
    require(footer.has_value() == fields.has_value());
    if (!footer.has_value()) {
        require(!footer.error().what.empty() && footer.error().where.has_value());
        return 0;
    }
    for (const auto& field : *fields) {
        require(field.range.end().value <= size && !field.name.empty());
    }
    require(!fde::can_open_offline(*footer).reason.empty());
    const auto unlocker = fde::make_unlocker(*footer);
    require(unlocker.has_value() || !to_string(unlocker.error()).empty());
    static_cast<void>(
        fde::check_placement(*footer, ByteOffset{size / 2}, ByteCount{size + 1}, ByteCount{footer->fs_size.value}));
    return 0;
}
