// Reading a region, or parts of it, off a device that may fail: the loop around strategy, link and target.
#pragma once

#include <chrono>
#include <vector>

#include "rescue/read_flash_link.hpp"
#include "rescue/read_flash_strategy.hpp"
#include "salvage/rescue/read_flash.hpp"

namespace salvage::rescue {

/// Where bytes of a device go: a file, or a comparison with one.
class ReadTarget {
public:
    ReadTarget() = default;
    ReadTarget(const ReadTarget&) = delete;
    ReadTarget& operator=(const ReadTarget&) = delete;
    virtual ~ReadTarget() = default;

    [[nodiscard]] virtual io::RescueMap& map() noexcept = 0;
    /// The next bytes.
    virtual Result<> put(ByteOffset at, ByteView bytes) = 0;
    /// From here on the map counts all that was put.
    virtual Result<> drain() = 0;
    /// What the map says would survive a kill from here on.
    virtual Result<> checkpoint(const io::MapState& state) = 0;
};

/// Progress over several regions.
struct ReadProgress {
    std::string_view step;
    std::uint64_t done{0};
    std::uint64_t total{0};
};

/// Reads one region.  Not thread safe.
class ReadEngine {
public:
    /// All that is handed over outlives the engine.
    ReadEngine(DeviceLink& link, const ReadOptions& options, ReadProgress& progress, const RunContext& context);

    /// Reads what of `domain` is not finished into `target`, as far as it can be had, and makes the last checkpoint.
    /// Errors: those of DeviceLink and of the target, after a checkpoint.
    Result<> run(const device::StorageRegion& region, ReadTarget& target, const std::vector<ByteRange>& domain,
                 const StrategyLimits& limits);
    /// What the map's status line says at the end of a run.
    [[nodiscard]] static io::MapState finished(const io::RescueMap& map) noexcept;

private:
    struct Job;
    Result<> step(Job& job, ByteRange wanted);
    Result<> take(Job& job, ByteOffset at, ByteView bytes);
    Result<> lost(Job& job, const ReadEnding& ending);
    Result<> checkpoint(Job& job);

    DeviceLink* link_;
    const ReadOptions* options_;
    ReadProgress* progress_;
    const RunContext* context_;
    std::chrono::nanoseconds last_checkpoint_;
};

/// Limits for a device: sectors as it has them.
[[nodiscard]] StrategyLimits limits_for(const device::StorageInfo& storage, const ReadOptions& options);

} // namespace salvage::rescue
