// Restore plans: what is read is written back as the same bytes, can be shown, and never writes IMEI or the preloader.
#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "require.hpp"
#include "salvage/render/render.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace salvage;
    using fuzz::require;
    constexpr std::array<std::string_view, 5> never{"nvram", "proinfo", "preloader", "seccfg", "frp"};
    const auto bytes = std::as_bytes(std::span{data, size});
    const auto plan = rescue::parse_plan(bytes);
    if (!plan.has_value()) {
        require(!to_string(plan.error()).empty());
        return 0;
    }
    require(rescue::format_plan(*plan) == as_text(bytes));
    require(!render::text(*plan, {}).empty());
    for (const auto& step : plan->steps) {
        require(std::ranges::find(never, step.partition) == never.end());
        require(step.region != "boot1" && step.region != "boot2" && step.region != "rpmb");
        require(!step.image.range.is_empty());
    }
    return 0;
}
