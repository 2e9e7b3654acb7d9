// Random access to what is packed: unpacked forward in blocks, of which the last are kept.
#include "salvage/io/decompressed.hpp"

#include <algorithm>
#include <list>
#include <mutex>
#include <utility>

namespace salvage::io {
namespace {

constexpr std::uint64_t block_bytes = 256U << 10U;
constexpr std::size_t most_blocks = 32; // 8 MiB

class Decompressed final : public ByteSource {
public:
    Decompressed(SourcePtr packed, ByteCount size, std::vector<RestartPoint> points)
        : packed_{std::move(packed)}, size_{size}, points_{std::move(points)}
    {
        std::ranges::sort(points_, {}, &RestartPoint::unpacked);
    }

    [[nodiscard]] ByteCount size() const noexcept override { return size_; }

    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        SALVAGE_TRY(check_range(*this, at, ByteCount{into.size()}));
        while (!into.empty()) {
            const auto bytes = SALVAGE_TRY(block(at.value / block_bytes));
            const auto within = static_cast<std::size_t>(at.value % block_bytes);
            const auto count = std::min(into.size(), bytes->size() - within);
            std::ranges::copy(ByteView{*bytes}.subspan(within, count), into.begin());
            into = into.subspan(count);
            at = at + ByteCount{count};
        }
        return {};
    }

    [[nodiscard]] Location locate(ByteOffset at) const override
    {
        auto where = packed_->locate(ByteOffset{0});
        where.chain.push_back({.source = "unpacked", .at = at});
        return where;
    }

private:
    using BlockPtr = std::shared_ptr<const Bytes>;
    struct Kept {
        std::uint64_t number{};
        BlockPtr bytes;
    };

    Result<BlockPtr> block(std::uint64_t number) const
    {
        const std::scoped_lock lock{mutex_};
        const auto known = std::ranges::find(kept_, number, &Kept::number);
        if (known != kept_.end()) {
            kept_.splice(kept_.begin(), kept_, known);
            return kept_.front().bytes;
        }
        SALVAGE_TRY(go_near(number * block_bytes));
        while (true) {
            auto unpacked = SALVAGE_TRY(unpack_to_boundary());
            if (unpacked.bytes != nullptr) {
                kept_.push_front(unpacked);
                if (kept_.size() > most_blocks) {
                    kept_.pop_back();
                }
                if (unpacked.number == number) {
                    return unpacked.bytes;
                }
            }
        }
    }

    /// Puts the decompressor at or before `start`: the one at work, or one from a restart point that is nearer.
    Result<> go_near(std::uint64_t start) const
    {
        const auto after =
            std::ranges::upper_bound(points_, start, {}, [](const RestartPoint& each) { return each.unpacked.value; });
        const auto point = after == points_.begin() ? RestartPoint{} : *(after - 1);
        const bool is_good = decompressor_ != nullptr && position_ <= start && position_ >= point.unpacked.value;
        if (!is_good) {
            decompressor_ = nullptr;
            decompressor_ = SALVAGE_TRY(make_decompressor(packed_, point));
            position_ = point.unpacked.value;
        }
        return {};
    }

    /// A whole block; no bytes where the decompressor was not at the start of one.
    Result<Kept> unpack_to_boundary() const
    {
        const auto number = position_ / block_bytes;
        const auto start = number * block_bytes;
        const auto end = std::min(start + block_bytes, size_.value);
        const bool is_whole = position_ == start;
        auto bytes = std::make_shared<Bytes>(static_cast<std::size_t>(end - position_));
        for (std::span<std::byte> rest{*bytes}; !rest.empty();) {
            auto step = decompressor_->read(rest);
            const bool is_short = step.has_value() && step->is_end && step->bytes < rest.size();
            if (!step.has_value() || is_short) {
                decompressor_ = nullptr;
                return step.has_value() ? ends_early() : std::move(step).error();
            }
            rest = rest.subspan(step->bytes);
            position_ += step->bytes;
        }
        return is_whole ? Kept{.number = number, .bytes = std::move(bytes)} : Kept{};
    }

    [[nodiscard]] Error ends_early() const
    {
        return Error{ErrorCode::truncated,
                     "a packed file became shorter while it was read",
                     {},
                     packed_->locate(ByteOffset{packed_->size().value}),
                     {},
                     {}};
    }

    SourcePtr packed_;
    ByteCount size_;
    std::vector<RestartPoint> points_;
    mutable std::mutex mutex_;
    mutable std::list<Kept> kept_; ///< youngest first
    mutable std::unique_ptr<Decompressor> decompressor_;
    mutable std::uint64_t position_{0}; ///< of the decompressor, unpacked
};

} // namespace

SourcePtr make_decompressed(SourcePtr packed, ByteCount size, std::vector<RestartPoint> points)
{
    return std::make_shared<const Decompressed>(std::move(packed), size, std::move(points));
}

Result<SourcePtr> make_decompressed(SourcePtr packed, const RunContext& context,
                                    const std::function<void(ByteView)>& see)
{
    const auto decompressor = SALVAGE_TRY(make_decompressor(packed));
    Bytes scratch(block_bytes);
    std::uint64_t size = 0;
    for (bool is_end = false; !is_end;) {
        if (context.is_stopped()) {
            return cancelled("unpacking a file to know its size");
        }
        const auto step = SALVAGE_TRY(decompressor->read(scratch));
        if (see) {
            see(ByteView{scratch}.first(step.bytes));
        }
        size += step.bytes;
        is_end = step.is_end;
        context.progress->update({.step = "unpack",
                                  .unit = "bytes",
                                  .done = decompressor->packed_position().value,
                                  .total = packed->size().value});
    }
    return make_decompressed(std::move(packed), ByteCount{size}, decompressor->restart_points());
}

} // namespace salvage::io
