// Reading a device's flash into files.
#include "salvage/rescue/read_flash.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "rescue/out_folder.hpp"
#include "rescue/read_flash_engine.hpp"
#include "rescue/read_flash_file.hpp"
#include "rescue/read_flash_link.hpp"
#include "rescue/read_flash_manifest.hpp"
#include "rescue/read_flash_plan.hpp"
#include "rescue/read_flash_tables.hpp"
#include "rescue/read_flash_verify.hpp"
#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

/// In order and apart from each other.
std::vector<ByteRange> joined(std::vector<ByteRange> ranges)
{
    std::ranges::sort(ranges);
    std::vector<ByteRange> out;
    for (const auto& range : ranges) {
        if (!out.empty() && range.start() <= out.back().end()) {
            out.back() = ByteRange::between(out.back().start(), std::max(out.back().end(), range.end()));
        } else {
            out.push_back(range);
        }
    }
    return out;
}

ByteCount total_of(const std::vector<ByteRange>& ranges)
{
    return std::accumulate(ranges.begin(), ranges.end(), ByteCount{0},
                           [](ByteCount sum, const ByteRange& range) { return sum + range.size(); });
}

/// Another program's map may end in the middle of a sector: a device is asked for whole ones.
void forget_parts_of_sectors(io::RescueMap& map, ByteCount sector)
{
    const auto blocks = map.blocks();
    const auto down = [&](ByteOffset at) { return ByteOffset{at.value / sector.value * sector.value}; };
    for (const auto& block : blocks) {
        if (block.status == io::BlockStatus::finished) {
            continue;
        }
        map.set(ByteRange::between(down(block.range.start()), block.range.start()), block.status);
        const auto over = block.range.end() - down(block.range.end());
        if (over.value > 0) {
            const auto end = down(block.range.end()) + sector;
            map.set(ByteRange::between(block.range.end(), end), block.status);
        }
    }
}

/// A region under way.
struct RegionJob {
    device::StorageRegion region;
    std::unique_ptr<ReadbackFile> file;
    std::vector<ByteRange> domain;
    ByteCount finished_before;
    ByteCount verified{};
    std::vector<ByteRange> unverified{};

    [[nodiscard]] ByteCount finished() const
    {
        ByteCount out;
        for (const auto& part : domain) {
            out = out + file->map().total(io::BlockStatus::finished, part);
        }
        return out;
    }
    [[nodiscard]] std::vector<ByteRange> lost() const
    {
        std::vector<ByteRange> out;
        for (const auto& part : domain) {
            std::ranges::copy(file->map().unfinished(part), std::back_inserter(out));
        }
        return out;
    }
};

class FlashRead {
public:
    FlashRead(const device::Connect& connect, std::filesystem::path out, const ReadOptions& options,
              const RunContext& context, ReadManifest manifest)
        : out_{std::move(out)}, options_{&options}, context_{&context}, manifest_{std::move(manifest)},
          link_{connect, options.max_reconnects, context}, engine_{link_, options, progress_, context}
    {
    }

    Result<ReadReport> run()
    {
        SALVAGE_TRY(link_.connect().in("connecting to the device"));
        SALVAGE_TRY(manifest_.check_identity(link_.identity()));
        limits_ = limits_for(link_.storage(), *options_);
        plan_ = SALVAGE_TRY(plan_read(link_.storage(), *options_));
        SALVAGE_TRY(open_files());
        SALVAGE_TRY(manifest_.begin(link_, *context_));
        SALVAGE_TRY(choose_domains());
        ReadReport report{.identity = link_.identity(),
                          .storage = link_.storage(),
                          .regions = {},
                          .not_read = plan_.not_read,
                          .partitions = options_->partitions,
                          .verify = options_->verify,
                          .reconnects = 0,
                          .goodbye = {},
                          .manifest = manifest_.path(),
                          .sums = manifest_.sums_path()};
        // First all that needs the device, which may switch itself off when nobody talks to it.
        for (auto& job : jobs_) {
            SALVAGE_TRY(read(job).in(fmt::format("reading '{}'", job.region.name)));
        }
        if (options_->verify == Verify::yes) {
            SALVAGE_TRY(verify());
        }
        report.goodbye = link_.disconnect(options_->goodbye);
        for (auto& job : jobs_) {
            report.regions.push_back(SALVAGE_TRY(finish(job).in(fmt::format("finishing '{}'", job.region.name))));
            manifest_.note(report.regions.back());
        }
        SALVAGE_TRY(manifest_.save(*context_));
        report.reconnects = link_.reconnects();
        return report;
    }

private:
    /// All of them before the first byte: what is in the way is told at once.
    Result<> open_files()
    {
        const auto is_adopted = !manifest_.is_known() && options_->foreign_map == ForeignMap::adopt;
        const auto earlier = manifest_.is_known() ? Earlier::ours : is_adopted ? Earlier::adopted : Earlier::unknown;
        for (const auto& region : plan_.regions) {
            const auto path = region_path(out_, region.name, plan_.main_region);
            RegionJob job{.region = region,
                          .file = SALVAGE_TRY(ReadbackFile::open(path, region.size, earlier)),
                          .domain = {ByteRange::first(region.size)},
                          .finished_before = {}};
            forget_parts_of_sectors(job.file->map(), limits_.sector);
            // A chip's own number says whose flash this is; a size does not, and neither does a map.
            if (job.file->is_gone_on_with() && (is_adopted || link_.storage().cid.empty())) {
                SALVAGE_TRY(compare_samples(job).in("comparing what an earlier run read with the device"));
            }
            jobs_.push_back(std::move(job));
        }
        return {};
    }

    /// Whether an image that no number vouches for is of this device: its first, middle and last finished clusters.
    Result<> compare_samples(RegionJob& job)
    {
        std::vector<ByteRange> finished;
        for (const auto& block : job.file->map().blocks()) {
            if (block.status == io::BlockStatus::finished) {
                finished.push_back(block.range);
            }
        }
        if (finished.empty()) {
            return {};
        }
        std::vector<ByteRange> samples;
        for (const auto index : {std::size_t{0}, finished.size() / 2, finished.size() - 1}) {
            const auto& area = finished[index];
            const auto size = std::min(area.size(), limits_.cluster);
            samples.push_back(ByteRange::between(area.start(), area.start() + size));
            samples.push_back(ByteRange::between(area.end() - size, area.end()));
        }
        for (auto& sample : samples) {
            sample = SALVAGE_TRY(sectors_of(sample, job.region, limits_.sector));
            sample = sample.intersection(ByteRange::first(job.region.size));
        }
        // Of sectors that are finished in part only, the rest would differ for a good reason.
        std::erase_if(samples, [&](const ByteRange& sample) { return !job.file->map().is_finished(sample); });
        const auto comparison = SALVAGE_TRY(Comparison::open(job.file->readable_path()));
        return engine_.run(job.region, *comparison, joined(std::move(samples)), limits_);
    }

    Result<> choose_domains()
    {
        auto& main = jobs_.front();
        if (options_->range) {
            main.domain = {SALVAGE_TRY(sectors_of(*options_->range, main.region, limits_.sector))};
        } else if (!options_->partitions.empty()) {
            const auto named =
                SALVAGE_TRY(find_partitions(engine_, main.region, *main.file, limits_, options_->partitions));
            main.domain.clear();
            for (const auto& range : named) {
                main.domain.push_back(SALVAGE_TRY(sectors_of(range, main.region, limits_.sector)));
            }
            main.domain = joined(std::move(main.domain));
        }
        progress_ = {.step = "read", .done = 0, .total = 0};
        for (auto& job : jobs_) {
            job.finished_before = job.finished();
            progress_.total += total_of(job.domain).value;
            progress_.done += job.finished_before.value;
        }
        return {};
    }

    Result<> read(RegionJob& job)
    {
        const auto done = engine_.run(job.region, *job.file, job.domain, limits_);
        if (!done.has_value()) {
            return with_need(done.error(), total_of(job.domain) - job.finished(), folder());
        }
        return job.file->commit(ReadEngine::finished(job.file->map()));
    }

    Result<> verify()
    {
        progress_ = {.step = "verify", .done = 0, .total = 0};
        for (const auto& job : jobs_) {
            progress_.total += job.finished().value;
        }
        auto limits = limits_;
        limits.retries = 0;
        for (auto& job : jobs_) {
            const auto finished = finished_parts(job);
            const auto comparison = SALVAGE_TRY(Comparison::open(job.file->path()));
            SALVAGE_TRY(engine_.run(job.region, *comparison, finished, limits)
                            .in(fmt::format("verifying '{}'", job.region.name)));
            for (const auto& part : finished) {
                job.verified = job.verified + comparison->map().total(io::BlockStatus::finished, part);
                std::ranges::copy(comparison->map().unfinished(part), std::back_inserter(job.unverified));
            }
        }
        return {};
    }

    Result<ReadRegionReport> finish(RegionJob& job)
    {
        const auto& map = job.file->map();
        auto hashes = job.file->hashes();
        if (!hashes) {
            hashes = SALVAGE_TRY(hash_file(job.file->path(), *context_));
        }
        return ReadRegionReport{.region = job.region.name,
                                .file = job.file->path(),
                                .map = job.file->map_path(),
                                .hashes = SALVAGE_TRY(write_block_hashes(job.file->path(), map, *hashes)),
                                .size = job.region.size,
                                .wanted = total_of(job.domain),
                                .finished = job.finished(),
                                .read_now = job.finished() - job.finished_before,
                                .present = map.total(io::BlockStatus::finished, ByteRange::first(job.region.size)),
                                .lost = job.lost(),
                                .sha256 = hashes->sha256,
                                .verified = job.verified,
                                .unverified = job.unverified};
    }

    static std::vector<ByteRange> finished_parts(const RegionJob& job)
    {
        std::vector<ByteRange> out;
        for (const auto& part : job.domain) {
            auto from = part.start();
            while (const auto found = job.file->map().find(io::BlockStatus::finished, from, part.end())) {
                out.push_back(*found);
                from = found->end();
            }
        }
        return out;
    }

    [[nodiscard]] std::filesystem::path folder() const
    {
        return out_.has_parent_path() ? out_.parent_path() : std::filesystem::path{"."};
    }

    std::filesystem::path out_;
    const ReadOptions* options_;
    const RunContext* context_;
    ReadManifest manifest_;
    ReadPlan plan_;
    StrategyLimits limits_;
    ReadProgress progress_{.step = "read", .done = 0, .total = 0};
    DeviceLink link_;
    ReadEngine engine_;
    std::vector<RegionJob> jobs_;
};

/// What can be told before anyone plugs a cable in.
Result<> check_place(const std::filesystem::path& out, const ReadManifest& manifest, const ReadOptions& options)
{
    const auto folder = out.has_parent_path() ? out.parent_path() : std::filesystem::path{"."};
    std::error_code ignored;
    if (!out.has_filename() || !std::filesystem::is_directory(folder, ignored)) {
        return invalid_argument("the dump cannot be written there", fmt::format("{} is no folder", folder.string()),
                                "name a file in a folder that exists");
    }
    const auto is_there = std::filesystem::exists(std::filesystem::symlink_status(out, ignored));
    if (is_there && !manifest.is_known() && options.foreign_map == ForeignMap::refuse) {
        return Error{ErrorCode::already_exists,
                     fmt::format("{} exists and is not overwritten", out.string()),
                     "it does not belong to a readback of this program",
                     std::nullopt,
                     "name another file; to go on with what ddrescue left: --adopt",
                     {}};
    }
    return {};
}

} // namespace

ByteCount ReadReport::lost() const noexcept
{
    return std::accumulate(regions.begin(), regions.end(), ByteCount{0},
                           [](ByteCount sum, const ReadRegionReport& each) { return sum + total_of(each.lost); });
}

std::size_t ReadReport::lost_areas() const noexcept
{
    return std::accumulate(regions.begin(), regions.end(), std::size_t{0},
                           [](std::size_t sum, const ReadRegionReport& each) { return sum + each.lost.size(); });
}

ByteCount ReadReport::unverified() const noexcept
{
    return std::accumulate(regions.begin(), regions.end(), ByteCount{0},
                           [](ByteCount sum, const ReadRegionReport& each) { return sum + total_of(each.unverified); });
}

Result<ReadReport> read_flash(const device::Connect& connect, const std::filesystem::path& out,
                              const ReadOptions& options, const RunContext& context)
{
    auto manifest = SALVAGE_TRY(ReadManifest::open(out));
    SALVAGE_TRY(check_place(out, manifest, options));
    return FlashRead{connect, out, options, context, std::move(manifest)}.run();
}

Result<StorageReport> read_storage_info(const device::Connect& connect,
                                        std::optional<device::FlashReader::Goodbye> goodbye, const RunContext& context)
{
    const auto reader = SALVAGE_TRY(connect(context));
    StorageReport out{.identity = reader->identity(), .storage = reader->storage(), .goodbye = {}};
    out.goodbye = say_goodbye(*reader, goodbye, context);
    return out;
}

} // namespace salvage::rescue
