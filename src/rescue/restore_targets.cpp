// Phones that are written to: by fastboot, by a download agent.
#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "rescue/restore_flash_layout.hpp"
#include "rescue/restore_rules.hpp"
#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

class FastbootTarget final : public RestoreTarget {
public:
    explicit FastbootTarget(device::Fastboot fastboot) : fastboot_{std::move(fastboot)} {}

    [[nodiscard]] RestoreTool tool() const noexcept override { return RestoreTool::fastboot; }

    [[nodiscard]] Result<PhoneFacts> facts() override
    {
        for (const std::string name : {"product", "serialno", "unlocked", "max-download-size"}) {
            const auto value = SALVAGE_TRY(fastboot_.variable(name));
            if (value) {
                known_.variables.emplace_back(name, *value);
            }
        }
        max_download_ = SALVAGE_TRY(fastboot_.max_download());
        return known_.facts();
    }

    [[nodiscard]] Result<std::optional<PhonePartitionFacts>> find(std::string_view partition) override
    {
        const auto name = fmt::format("partition-size:{}", partition);
        const auto value = SALVAGE_TRY(fastboot_.variable(name));
        if (value) {
            known_.variables.emplace_back(name, *value);
        }
        return known_.find(partition);
    }

    [[nodiscard]] Result<Pieces> pieces(const RestoreStep& step, const io::SourcePtr& image) override
    {
        const auto* const plan = SALVAGE_TRY(plan_for(step, image));
        return Pieces{.count = plan->downloads.size(), .most = max_download_};
    }

    Result<> write(const RestoreStep& step, const io::SourcePtr& image, std::size_t first, const PieceDone& done,
                   const RunContext& context) override
    {
        const auto* const plan = SALVAGE_TRY(plan_for(step, image));
        return fastboot_.flash(step.partition, *plan, first, done, context);
    }

    /// It stays where it is.
    Result<> finish() override { return {}; }

private:
    /// Cutting scans the whole image, so it is done once a step.
    Result<const device::Fastboot::FlashPlan*> plan_for(const RestoreStep& step, const io::SourcePtr& image)
    {
        const auto known = plans_.find(step.partition);
        if (known != plans_.end()) {
            return &known->second;
        }
        auto plan = SALVAGE_TRY(device::Fastboot::plan_flash(image, max_download_));
        return &plans_.emplace(step.partition, std::move(plan)).first->second;
    }

    device::Fastboot fastboot_;
    KnownPhone known_;
    ByteCount max_download_;
    std::map<std::string, device::Fastboot::FlashPlan> plans_;
};

class AgentTarget final : public RestoreTarget {
public:
    explicit AgentTarget(std::unique_ptr<device::FlashWriter> writer) : writer_{std::move(writer)} {}

    [[nodiscard]] RestoreTool tool() const noexcept override { return RestoreTool::da_write; }

    [[nodiscard]] Result<PhoneFacts> facts() override
    {
        // The flash's own number stands for the phone: an agent knows no other.
        return PhoneFacts{.product = {}, .serial = writer_->identity(), .is_unlocked = {}, .max_download = {}};
    }

    [[nodiscard]] Result<std::optional<PhonePartitionFacts>> find(std::string_view partition) override
    {
        if (!layout_) {
            layout_ = SALVAGE_TRY(read_flash_layout(*writer_, {}).in("reading the phone's partition table"));
        }
        return find_in(*layout_, partition);
    }

    [[nodiscard]] Result<Pieces> pieces(const RestoreStep& /*step*/, const io::SourcePtr& image) override
    {
        const auto bytes = image->size().value;
        return Pieces{.count = static_cast<std::size_t>((bytes / piece) + (bytes % piece != 0 ? 1 : 0)),
                      .most = ByteCount{piece}};
    }

    Result<> write(const RestoreStep& step, const io::SourcePtr& image, std::size_t first, const PieceDone& done,
                   const RunContext& context) override
    {
        const auto* const region = writer_->storage().find(step.region);
        const auto whole = step.start ? ByteRange::make(*step.start, image->size()) : std::nullopt;
        if (region == nullptr || !whole || whole->end().value > region->size.value) {
            return invalid_argument(
                fmt::format("{} does not lie on this flash", printable(step.partition)),
                fmt::format("the region {} of the phone ends before, or is not there", printable(step.region)));
        }
        for (auto number = first; number * piece < image->size().value; ++number) {
            if (context.is_stopped()) {
                return cancelled("writing to the phone");
            }
            SALVAGE_TRY(write_piece(*region, *whole, *image, number, context));
            SALVAGE_TRY(done(number));
        }
        return {};
    }

    Result<> finish() override { return writer_->finish(device::FlashWriter::Goodbye::power_off); }

private:
    // Seconds of work: what is done again after a pulled cable.
    static constexpr std::uint64_t piece = 32ULL << 20U;

    Result<> write_piece(const device::StorageRegion& region, ByteRange whole, const io::ByteSource& image,
                         std::uint64_t number, const RunContext& context)
    {
        const auto at = number * piece;
        const auto count = std::min(piece, image.size().value - at);
        const auto range = ByteRange::make(whole.start() + ByteCount{at}, ByteCount{count}).value_or(ByteRange{});
        const auto origin = [&](ByteOffset on_phone, std::span<std::byte> into) -> Result<> {
            if (on_phone < range.start() || on_phone.value + into.size() > range.end().value) {
                return Error{
                    ErrorCode::internal, "the agent asks for bytes outside of the plan", {}, std::nullopt, {}, {}};
            }
            return image.read_at(ByteOffset{(on_phone - whole.start()).value}, into);
        };
        SALVAGE_TRY(writer_->write(region, range, origin, context));
        context.progress->update({.step = "flash", .unit = "bytes", .done = at + count, .total = image.size().value});
        return {};
    }

    std::unique_ptr<device::FlashWriter> writer_;
    std::optional<partition::Layout> layout_;
};

} // namespace

std::unique_ptr<RestoreTarget> make_fastboot_target(device::Fastboot fastboot)
{
    return std::make_unique<FastbootTarget>(std::move(fastboot));
}

std::unique_ptr<RestoreTarget> make_agent_target(std::unique_ptr<device::FlashWriter> writer)
{
    return std::make_unique<AgentTarget>(std::move(writer));
}

} // namespace salvage::rescue
