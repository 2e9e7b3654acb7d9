#include "crypto/gpu/scrypt_plan.hpp"

#include <algorithm>

namespace salvage::crypto::gpu {
namespace {

/// Work items that a compute unit of a GPU keeps busy with: two groups of 32 for each of its four schedulers, so that
/// one waits for memory while the other computes.  More of them, with less of the table each, gain less than they
/// compute again: docs/performance.md.
constexpr std::uint64_t gpu_items_a_unit = 256;
/// Work items of a GPU run side by side in groups of at least so many.
constexpr std::uint64_t gpu_group_items = 32;
/// A CPU computes one stream on each core; a few more even out the end.
constexpr std::uint64_t cpu_streams_a_unit = 4;
/// Beside its table a stream has its row, two more for the mix, and some numbers.
constexpr std::uint64_t rows_beside = 4;

std::uint64_t useful_streams(const GpuProperties& device, std::uint32_t quad_lanes) noexcept
{
    const std::uint64_t units = device.compute_units;
    return device.is_cpu != 0 ? units * cpu_streams_a_unit : units * gpu_items_a_unit / quad_lanes;
}

/// Every unit waits for the one with the most groups: as many streams as give all the same number.
std::uint64_t evened(std::uint64_t streams, const GpuProperties& device, std::uint32_t quad_lanes) noexcept
{
    const auto round =
        device.is_cpu != 0 ? 1 : std::max<std::uint64_t>(device.compute_units, 1) * gpu_group_items / quad_lanes;
    return streams < round ? streams : streams - (streams % round);
}

ScryptPlan plan_with_gap(const GpuProperties& device, std::uint32_t quad_lanes, std::uint64_t most_streams,
                         ScryptFactors factors, ByteCount memory, unsigned gap_log2) noexcept
{
    const auto row = scrypt_row_bytes(factors);
    const auto table = row << (factors.n_log2 - gap_log2);
    const auto a_buffer = std::min(device.largest_buffer_bytes / table, most_streams);
    const auto streams =
        evened(std::min({memory.value / (table + (rows_beside * row)), a_buffer * most_table_buffers, most_streams}),
               device, quad_lanes);
    return {.gap_log2 = gap_log2,
            .streams = static_cast<std::uint32_t>(streams),
            .streams_a_buffer = static_cast<std::uint32_t>(std::min(a_buffer, streams)),
            .stream_table = ByteCount{table}};
}

/// Speed in any unit: streams side by side through the BlockMixes of each, which are N for the fill, N for the mix,
/// and half a gap for each block that was not kept.
double speed_of(const ScryptPlan& plan) noexcept
{
    const auto gap = static_cast<double>(1U << plan.gap_log2);
    return plan.streams / (2 + ((gap - 1) / 2));
}

} // namespace

std::optional<ScryptPlan> plan_scrypt(const GpuProperties& device, std::uint32_t quad_lanes, ScryptFactors factors,
                                      const ScryptLimits& limits) noexcept
{
    auto most_streams = useful_streams(device, quad_lanes);
    if (limits.most_streams > 0) {
        most_streams = std::min<std::uint64_t>(most_streams, limits.most_streams);
    }
    const auto largest_gap = std::min<unsigned>(most_gap_log2, factors.n_log2);
    const auto from = std::min(limits.gap_log2.value_or(0), largest_gap);
    const auto to = limits.gap_log2 ? from : largest_gap;
    ScryptPlan best;
    for (auto gap_log2 = from; gap_log2 <= to; ++gap_log2) {
        const auto plan = plan_with_gap(device, quad_lanes, most_streams, factors, limits.memory, gap_log2);
        if (plan.streams > 0 && (best.streams == 0 || speed_of(plan) > speed_of(best))) {
            best = plan;
        }
    }
    return best.streams == 0 ? std::nullopt : std::optional{best};
}

} // namespace salvage::crypto::gpu
