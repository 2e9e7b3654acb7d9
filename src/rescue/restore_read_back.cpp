// Reading back what a restore wrote: from a second dump, or from the phone itself.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "rescue/restore_flash_layout.hpp"
#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

constexpr std::uint64_t piece_bytes = 1U << 20U;

class DumpReadBack final : public ReadBack {
public:
    explicit DumpReadBack(Dump dump) : dump_{std::move(dump)} {}

    [[nodiscard]] Result<PhonePartitionFacts> find(const RestoreStep& step) override
    {
        const auto source = SALVAGE_TRY(open_partition(dump_, step.partition));
        const auto* const found = dump_.layout.find(step.partition);
        return PhonePartitionFacts{
            .name = step.partition, .start = found != nullptr ? found->start : ByteOffset{0}, .size = source->size()};
    }

    Result<> read(const PhonePartitionFacts& partition, ByteCount size, const Sink& sink,
                  const RunContext& /*context*/) override
    {
        const auto source = SALVAGE_TRY(open_partition(dump_, partition.name));
        Bytes buffer(piece_bytes);
        for (std::uint64_t at = 0; at < size.value;) {
            const auto count = std::min(piece_bytes, size.value - at);
            const auto part = std::span{buffer}.first(static_cast<std::size_t>(count));
            SALVAGE_TRY(source->read_at(ByteOffset{at}, part));
            SALVAGE_TRY(sink(ByteOffset{at}, part));
            at += count;
        }
        return {};
    }

private:
    Dump dump_;
};

class FlashReadBack final : public ReadBack {
public:
    explicit FlashReadBack(std::unique_ptr<device::FlashReader> reader) : reader_{std::move(reader)} {}

    [[nodiscard]] Result<PhonePartitionFacts> find(const RestoreStep& step) override
    {
        if (!layout_) {
            layout_ = SALVAGE_TRY(read_flash_layout(*reader_, {}).in("reading the phone's partition table"));
        }
        auto found = find_in(*layout_, step.partition);
        if (!found || !found->start) {
            return not_found(fmt::format("the phone has no partition {}", printable(step.partition)),
                             "its partition table does not name it");
        }
        return *std::move(found);
    }

    Result<> read(const PhonePartitionFacts& partition, ByteCount size, const Sink& sink,
                  const RunContext& context) override
    {
        const auto* const region = reader_->storage().find(partition.region);
        const auto range = partition.start ? ByteRange::make(*partition.start, size) : std::nullopt;
        if (region == nullptr || !range) {
            return not_found(fmt::format("{} cannot be read back", printable(partition.name)),
                             fmt::format("the phone has no region {}, or it ends before", partition.region));
        }
        const auto from_start = [&](ByteOffset at, ByteView bytes) {
            return sink(ByteOffset{(at - range->start()).value}, bytes);
        };
        return reader_->read(*region, *range, from_start, context);
    }

private:
    std::unique_ptr<device::FlashReader> reader_;
    std::optional<partition::Layout> layout_;
};

} // namespace

std::unique_ptr<ReadBack> make_dump_read_back(Dump dump)
{
    return std::make_unique<DumpReadBack>(std::move(dump));
}

std::unique_ptr<ReadBack> make_flash_read_back(std::unique_ptr<device::FlashReader> reader)
{
    return std::make_unique<FlashReadBack>(std::move(reader));
}

} // namespace salvage::rescue
