// Bytes laid over a source, in blocks of 4096 bytes that are copied when first written to.
#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"
#include "salvage/io/views.hpp"

namespace salvage::io {
namespace {

constexpr std::uint64_t block_bytes = 4096;

class OverlaySource final : public ByteSource {
public:
    OverlaySource(SourcePtr below, ByteCount limit) : below_{std::move(below)}, limit_{limit} {}

    [[nodiscard]] ByteCount size() const noexcept override { return below_->size(); }

    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        SALVAGE_TRY(check_range(*this, at, ByteCount{into.size()}));
        const std::shared_lock lock{mutex_};
        while (!into.empty()) {
            const auto [count, block] = next_piece(at, into.size());
            const auto piece = into.first(count);
            if (block == nullptr) {
                SALVAGE_TRY(below_->read_at(at, piece));
            } else {
                std::ranges::copy(ByteView{*block}.subspan(at.value % block_bytes, count), piece.begin());
            }
            into = into.subspan(count);
            at = at + ByteCount{count};
        }
        return {};
    }

    Result<std::vector<Extent>> extents(ByteRange range) const override
    {
        const auto below = SALVAGE_TRY(below_->extents(range));
        const std::shared_lock lock{mutex_};
        std::vector<Extent> out;
        for (const auto& extent : below) {
            auto at = extent.range.start();
            while (at < extent.range.end()) {
                const auto [count, block] = next_piece(at, (extent.range.end() - at).value);
                const auto end = at + ByteCount{count};
                out.push_back(
                    {.range = ByteRange::between(at, end), .kind = block == nullptr ? extent.kind : ExtentKind::data});
                at = end;
            }
        }
        return merged(std::move(out));
    }

    [[nodiscard]] Location locate(ByteOffset at) const override { return below_->locate(at); }

    Result<> write(ByteOffset at, ByteView bytes)
    {
        SALVAGE_TRY(check_range(*this, at, ByteCount{bytes.size()}));
        const std::unique_lock lock{mutex_};
        while (!bytes.empty()) {
            const auto within = at.value % block_bytes;
            const auto count = std::min<std::uint64_t>(bytes.size(), block_bytes - within);
            auto* const block =
                SALVAGE_TRY(block_for_writing(at.value / block_bytes, within == 0 && count == block_bytes));
            std::ranges::copy(bytes.first(count), block->begin() + static_cast<std::ptrdiff_t>(within));
            bytes = bytes.subspan(count);
            at = at + ByteCount{count};
        }
        return {};
    }

    [[nodiscard]] ByteCount overlaid() const
    {
        const std::shared_lock lock{mutex_};
        return ByteCount{blocks_.size() * block_bytes};
    }

private:
    struct Piece {
        std::size_t count;
        const Bytes* block; ///< null: from below
    };

    /// The longest run at `at` that comes from one place.
    [[nodiscard]] Piece next_piece(ByteOffset at, std::uint64_t wanted) const
    {
        const auto index = at.value / block_bytes;
        const auto next = blocks_.lower_bound(index);
        if (next == blocks_.end()) {
            return {.count = static_cast<std::size_t>(wanted), .block = nullptr};
        }
        if (next->first == index) {
            return {.count = static_cast<std::size_t>(std::min(wanted, block_bytes - at.value % block_bytes)),
                    .block = &next->second};
        }
        return {.count = static_cast<std::size_t>(std::min(wanted, next->first * block_bytes - at.value)),
                .block = nullptr};
    }

    Result<Bytes*> block_for_writing(std::uint64_t index, bool is_replaced_whole)
    {
        if (const auto known = blocks_.find(index); known != blocks_.end()) {
            return &known->second;
        }
        if ((blocks_.size() + 1) * block_bytes > limit_.value) {
            return unsupported("more would be changed than an overlay may hold",
                               fmt::format("the limit is {}", format_size_exact(limit_)));
        }
        Bytes block(block_bytes);
        if (!is_replaced_whole) {
            const ByteOffset start{index * block_bytes};
            const auto present = std::min(block_bytes, below_->size().value - start.value);
            SALVAGE_TRY(below_->read_at(start, std::span{block}.first(static_cast<std::size_t>(present))));
        }
        return &blocks_.emplace(index, std::move(block)).first->second;
    }

    SourcePtr below_;
    ByteCount limit_;
    mutable std::shared_mutex mutex_;
    std::map<std::uint64_t, Bytes> blocks_;
};

class OverlayOverSource final : public Overlay {
public:
    explicit OverlayOverSource(std::shared_ptr<OverlaySource> source) : source_{std::move(source)} {}
    Result<> write_at(ByteOffset at, ByteView bytes) override { return source_->write(at, bytes); }
    [[nodiscard]] SourcePtr view() const override { return source_; }
    [[nodiscard]] ByteCount overlaid() const noexcept override { return source_->overlaid(); }

private:
    std::shared_ptr<OverlaySource> source_;
};

} // namespace

std::unique_ptr<Overlay> make_overlay(SourcePtr source, ByteCount limit)
{
    return std::make_unique<OverlayOverSource>(std::make_shared<OverlaySource>(std::move(source), limit));
}

} // namespace salvage::io
