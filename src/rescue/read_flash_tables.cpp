// The partition table of a device that is being read.
#include "rescue/read_flash_tables.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "salvage/core/text.hpp"
#include "salvage/partition/layout.hpp"

namespace salvage::rescue {
namespace {

// Tables lie in the first and last MiB; a device without one must not be read as a whole to learn that.
constexpr std::uint64_t most_read = 64ULL << 20U;

/// The file, without checkpoints: hundreds of small reads need none, and the read that follows makes them.
class Unhurried final : public ReadTarget {
public:
    explicit Unhurried(ReadbackFile& file) : file_{&file} {}
    [[nodiscard]] io::RescueMap& map() noexcept override { return file_->map(); }
    Result<> put(ByteOffset at, ByteView bytes) override { return file_->put(at, bytes); }
    Result<> drain() override { return file_->drain(); }
    Result<> checkpoint(const io::MapState& /*state*/) override { return {}; }

private:
    ReadbackFile* file_;
};

/// A region as a byte source: what is asked for is read off the device, into the file, once.
class RegionSource final : public io::ByteSource {
public:
    RegionSource(ReadEngine& engine, const device::StorageRegion& region, ReadbackFile& file,
                 const StrategyLimits& limits)
        : engine_{&engine}, region_{&region}, file_{&file}, limits_{limits}
    {
        limits_.retries = 0;
    }

    [[nodiscard]] ByteCount size() const noexcept override { return region_->size; }

    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        SALVAGE_TRY(check_range(*this, at, ByteCount{into.size()}));
        if (into.empty()) {
            return {};
        }
        const auto cluster = limits_.cluster.value;
        const auto end = std::min(((at.value + into.size() + cluster - 1) / cluster) * cluster, region_->size.value);
        const auto range = ByteRange::between(ByteOffset{at.value / cluster * cluster}, ByteOffset{end});
        if (!file_->map().is_finished(range)) {
            SALVAGE_TRY(fetch(range));
        }
        const auto bad = file_->map().unfinished(ByteRange::between(at, at + ByteCount{into.size()}));
        return bad.empty() ? file_->read_back(at, into) : Result<>{io::unreadable_at(*this, bad.front().start())};
    }

    [[nodiscard]] Location locate(ByteOffset at) const override
    {
        return Location{{Place{.source = region_->name, .at = at}}};
    }

private:
    Result<> fetch(ByteRange range) const
    {
        fetched_ += range.size().value;
        if (fetched_ > most_read) {
            return not_found("the device has no partition table that is known",
                             fmt::format("{} of it were read, where tables are kept",
                                         format_size(ByteCount{fetched_ - range.size().value})),
                             "read all of it, or name a range: --range START+SIZE");
        }
        Unhurried target{*file_};
        return engine_->run(*region_, target, {range}, limits_);
    }

    ReadEngine* engine_;
    const device::StorageRegion* region_;
    ReadbackFile* file_;
    StrategyLimits limits_;
    mutable std::uint64_t fetched_{0}; ///< one thread reads tables
};

Error no_partition(const partition::Layout& layout, std::string_view name)
{
    std::vector<std::string> names;
    names.reserve(layout.partitions.size());
    for (const auto& known : layout.partitions) {
        names.push_back(printable(known.name));
    }
    return not_found(fmt::format("there is no partition '{}' on the device", printable(name)),
                     fmt::format("there are: {}", fmt::join(names, ", ")));
}

} // namespace

Result<std::vector<ByteRange>> find_partitions(ReadEngine& engine, const device::StorageRegion& region,
                                               ReadbackFile& file, const StrategyLimits& limits,
                                               const std::vector<std::string>& names)
{
    const RegionSource source{engine, region, file, limits};
    auto tables =
        SALVAGE_TRY(partition::read_tables(source, region.name).in("reading the partition table off the device"));
    const auto layout = partition::reconcile(std::move(tables), region.size);
    std::vector<ByteRange> out;
    for (const auto& name : names) {
        const auto* const found = layout.find(name);
        const auto range = found == nullptr ? std::nullopt : ByteRange::make(found->start, found->size);
        if (!range || range->is_empty() || !found->is_start_known || !found->is_size_known) {
            return no_partition(layout, name);
        }
        out.push_back(*range);
    }
    return out;
}

} // namespace salvage::rescue
