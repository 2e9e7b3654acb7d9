// The loop around strategy, link and target.
#include "rescue/read_flash_engine.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::rescue {

struct ReadEngine::Job {
    const device::StorageRegion* region{nullptr};
    ReadTarget* target{nullptr};
    ReadStrategy strategy;
    ByteCount sector;
    ByteOffset stalled_at;
    unsigned stalls{0};
};

ReadEngine::ReadEngine(DeviceLink& link, const ReadOptions& options, ReadProgress& progress, const RunContext& context)
    : link_{&link}, options_{&options}, progress_{&progress}, context_{&context}, last_checkpoint_{context.clock->now()}
{
}

Result<> ReadEngine::run(const device::StorageRegion& region, ReadTarget& target, const std::vector<ByteRange>& domain,
                         const StrategyLimits& limits)
{
    Job job{.region = &region,
            .target = &target,
            .strategy = ReadStrategy{target.map(), domain, limits},
            .sector = limits.sector,
            .stalled_at = {},
            .stalls = 0};
    for (auto wanted = job.strategy.next(); wanted; wanted = job.strategy.next()) {
        auto done = context_->is_stopped() ? Result<>{cancelled("the read")} : step(job, *wanted);
        if (!done.has_value()) {
            ignore(checkpoint(job), "the first error is the one to tell; an older map only costs reading again");
            return done;
        }
    }
    return checkpoint(job);
}

Result<> ReadEngine::step(Job& job, ByteRange wanted)
{
    const auto ending = SALVAGE_TRY(link_->read(*job.region, wanted, job.sector,
                                                [&](ByteOffset at, ByteView bytes) { return take(job, at, bytes); }));
    SALVAGE_TRY(job.target->drain());
    if (ending.reached == wanted.end()) {
        job.strategy.succeeded();
    } else if (ending.kind == ReadEnding::Kind::unreadable) {
        context_->log->write("read.unreadable",
                             fmt::format("{} at {}", job.region->name, format_offset(ending.reached)));
        job.strategy.failed(ending.reached);
    }
    return ending.kind == ReadEnding::Kind::lost ? lost(job, ending) : Result<>{};
}

Result<> ReadEngine::take(Job& job, ByteOffset at, ByteView bytes)
{
    if (context_->is_stopped()) {
        return cancelled("the read");
    }
    SALVAGE_TRY(job.target->put(at, bytes));
    progress_->done += bytes.size();
    context_->progress->update(
        {.step = progress_->step, .unit = "bytes", .done = progress_->done, .total = progress_->total});
    if (context_->clock->now() - last_checkpoint_ < options_->checkpoint_every) {
        return {};
    }
    return checkpoint(job);
}

Result<> ReadEngine::lost(Job& job, const ReadEnding& ending)
{
    // Many a flash with a bad sector does not say so: it hangs there, every time.
    job.stalls = job.stalls > 0 && job.stalled_at == ending.reached ? job.stalls + 1 : 1;
    job.stalled_at = ending.reached;
    if (job.strategy.is_asked(ending.reached) && job.stalls >= options_->stalls_are_bad) {
        job.strategy.failed(ending.reached);
        job.stalls = 0;
    }
    // The wait for the phone may be long, and the machine may be switched off meanwhile.
    SALVAGE_TRY(checkpoint(job));
    return link_->reconnect(ending.why);
}

Result<> ReadEngine::checkpoint(Job& job)
{
    SALVAGE_TRY(job.target->drain());
    last_checkpoint_ = context_->clock->now();
    return job.target->checkpoint(job.strategy.state());
}

io::MapState ReadEngine::finished(const io::RescueMap& map) noexcept
{
    return {.position = ByteOffset{map.size().value}, .status = '+', .pass = 1};
}

StrategyLimits limits_for(const device::StorageInfo& storage, const ReadOptions& options)
{
    constexpr std::uint64_t smallest = 512;
    constexpr std::uint64_t largest = 65536; // beyond it, "block" is no sector but what is erased at once
    const auto block = storage.block.value;
    const ByteCount sector{std::has_single_bit(block) && block >= smallest && block <= largest ? block : smallest};
    return {.request = std::max(options.request, sector),
            .cluster = std::max(options.cluster, sector),
            .sector = sector,
            .retries = options.retries};
}

} // namespace salvage::rescue
