// Comparing what is on the phone after a restore with what was to be written, MiB by MiB.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "rescue/restore_draft.hpp"
#include "salvage/core/text.hpp"
#include "salvage/crypto/hash.hpp"

namespace salvage::rescue {
namespace {

constexpr std::uint64_t mib = 1U << 20U;

/// Compares one step's image with bytes as they come.
class Comparison {
public:
    Comparison(const RestoreStep& step, const PhonePartitionFacts& place, const io::ByteSource& image)
        : image_{&image}, place_{&place}, size_{step.image.range.size().value}
    {
        out_.partition = step.partition;
        out_.mib = (size_ / mib) + (size_ % mib != 0 ? 1 : 0);
    }

    /// The next bytes read back.  They come in order, or something is wrong with whoever reads.
    Result<> take(ByteOffset at, ByteView bytes)
    {
        if (at.value != done_ || bytes.size() > size_ - done_) {
            return Error{ErrorCode::internal,
                         "bytes read back came out of order",
                         fmt::format("at {}, expected {}", at.value, done_),
                         std::nullopt,
                         {},
                         {}};
        }
        while (!bytes.empty()) {
            // Never across a MiB: each block is counted for itself.
            const auto count = std::min<std::uint64_t>(bytes.size(), mib - (done_ % mib));
            SALVAGE_TRY(compare(bytes.first(static_cast<std::size_t>(count))));
            bytes = bytes.subspan(static_cast<std::size_t>(count));
        }
        return {};
    }

    Result<VerifiedStep> finish(const std::string& planned)
    {
        if (done_ != size_) {
            return Error{
                ErrorCode::truncated,
                fmt::format("{} was read back to {} of {} bytes only", printable(out_.partition), done_, size_),
                {},
                std::nullopt,
                "read it back again",
                {}};
        }
        if (to_hex(expected_.finish()) != planned) {
            return Error{ErrorCode::mismatch,
                         fmt::format("the image of {} is no longer what was planned", printable(out_.partition)),
                         "its SHA-256 differs from the plan's, so it proves nothing about the phone",
                         std::nullopt,
                         "compare with the untouched copy of the backup",
                         {}};
        }
        out_.sha256 = to_hex(found_.finish());
        out_.is_same = !out_.first_difference;
        return out_;
    }

    [[nodiscard]] std::uint64_t done() const noexcept { return done_; }

private:
    Result<> compare(ByteView bytes)
    {
        buffer_.resize(bytes.size());
        SALVAGE_TRY(image_->read_at(ByteOffset{done_}, buffer_));
        expected_.update(buffer_);
        found_.update(bytes);
        const auto [wanted, got] = std::ranges::mismatch(buffer_, bytes);
        if (wanted != buffer_.end()) {
            note(done_ + static_cast<std::uint64_t>(wanted - buffer_.begin()), *wanted, *got);
        }
        done_ += bytes.size();
        return {};
    }

    void note(std::uint64_t at, std::byte wanted, std::byte got)
    {
        if (last_block_ != at / mib) {
            last_block_ = at / mib;
            ++out_.differing_mib;
        }
        if (out_.first_difference) {
            return;
        }
        out_.first_difference = ByteOffset{at};
        out_.expected = std::to_integer<std::uint8_t>(wanted);
        out_.found = std::to_integer<std::uint8_t>(got);
        if (place_->start) {
            out_.on_phone = *place_->start + ByteCount{at};
        }
    }

    const io::ByteSource* image_;
    const PhonePartitionFacts* place_;
    std::uint64_t size_;
    std::uint64_t done_{0};
    std::optional<std::uint64_t> last_block_;
    Bytes buffer_;
    crypto::Sha256 expected_;
    crypto::Sha256 found_;
    VerifiedStep out_;
};

} // namespace

std::optional<Error> VerifyReport::first_mismatch() const
{
    const auto found = std::ranges::find(steps, false, &VerifiedStep::is_same);
    if (found == steps.end()) {
        return std::nullopt;
    }
    const auto at = found->first_difference.value_or(ByteOffset{0});
    return Error{ErrorCode::mismatch,
                 fmt::format("{} on the phone is not what was written", printable(found->partition)),
                 fmt::format("the first byte that differs is {} of it: found {:02X}, expected {:02X}; {} of {} MiB "
                             "blocks differ",
                             format_offset(at), found->found, found->expected, found->differing_mib, found->mib),
                 found->on_phone ? std::optional{Location{{Place{.source = "phone", .at = *found->on_phone}}}}
                                 : std::nullopt,
                 "write this partition again; where Android has started in between, it has changed userdata itself",
                 {}};
}

Result<VerifyReport> verify_restore(const RestorePlan& plan, ReadBack& read_back, const RunContext& context)
{
    VerifyReport report;
    std::uint64_t before = 0;
    for (const auto& step : plan.steps) {
        const auto image = SALVAGE_TRY(open_image(step.image).in("opening the image of " + step.partition));
        const auto place = SALVAGE_TRY(read_back.find(step));
        Comparison comparison{step, place, *image};
        const auto sink = [&](ByteOffset at, ByteView bytes) -> Result<> {
            SALVAGE_TRY(comparison.take(at, bytes));
            context.progress->update(
                {.step = "verify", .unit = "bytes", .done = before + comparison.done(), .total = plan.bytes().value});
            return context.is_stopped() ? Result<>{cancelled("comparing with the phone")} : Result<>{};
        };
        SALVAGE_TRY(read_back.read(place, step.image.range.size(), sink, context)
                        .in("reading back " + printable(step.partition)));
        report.steps.push_back(SALVAGE_TRY(comparison.finish(step.image.sha256)));
        before += step.image.range.size().value;
    }
    return report;
}

} // namespace salvage::rescue
