// How much a launch may hold, so that it ends in time: a desktop draws between launches, and a stop is heard.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "salvage/core/run_context.hpp"

namespace salvage::crypto::gpu {

/// Learns from every launch.  A launch is so many steps of so many work items side by side.
class Pace {
public:
    explicit Pace(std::chrono::nanoseconds target) noexcept : target_{std::max(target, std::chrono::nanoseconds{1})} {}

    /// Steps for the next launch: 1 to `remaining`.
    [[nodiscard]] std::uint32_t next(std::uint32_t remaining, std::uint64_t items) const noexcept
    {
        const auto steps = static_cast<std::uint64_t>(static_cast<double>(target_.count()) / step_time(items));
        return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(steps, 1, std::max(remaining, 1U)));
    }

    void learn(std::uint32_t steps, std::uint64_t items, std::chrono::nanoseconds taken) noexcept
    {
        const auto seen = static_cast<double>(std::max<std::int64_t>(taken.count(), 1)) / std::max(steps, 1U);
        // Short launches are mostly overhead and say little: the next is never more than four times as long.
        step_ns_ = std::max(seen, step_time(items) / 4);
        items_ = items;
    }

private:
    /// What a step of so many items may take: more items take longer, fewer may take as long.
    [[nodiscard]] double step_time(std::uint64_t items) const noexcept
    {
        const auto ratio = static_cast<double>(items) / static_cast<double>(std::max<std::uint64_t>(items_, 1));
        return step_ns_ * std::max(ratio, 1.0);
    }

    std::chrono::nanoseconds target_;
    /// Of a device slower than any: 100 us for two compressions or a row.
    double step_ns_{100e3};
    std::uint64_t items_{1};
};

} // namespace salvage::crypto::gpu
