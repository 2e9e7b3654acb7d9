// Preloader images: the DRAM settings are part of the image, and begin with their marker.
#include <algorithm>
#include <cstdint>

#include "require.hpp"
#include "salvage/device/preloader_image.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace salvage;
    using fuzz::require;
    const auto image = std::as_bytes(std::span{data, size});
    const auto settings = device::find_dram_settings(image);
    if (!settings.has_value()) {
        require(settings.error().code == ErrorCode::malformed && settings.error().where.has_value());
        return 0;
    }
    require(as_text(settings->bytes).starts_with("MTK_BLOADER_INFO_v"));
    require(!std::ranges::search(image, settings->bytes).empty());
    require(settings->version <= 99);
    return 0;
}
