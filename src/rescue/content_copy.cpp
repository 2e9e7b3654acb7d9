// Copying one file's content.
#include "rescue/content_copy.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace salvage::rescue {
namespace {

// Zeros are hashed at about 2 GB/s: a file that claims more holes than this would hold up the rescue for its hash.
constexpr ByteCount max_hashed_hole{64ULL << 30U};

} // namespace

Result<std::optional<Error>> ContentCopy::run(const std::function<void(ByteCount)>& advance)
{
    // The lane must let go of the hash whatever happens.
    const auto let_go = std::unique_ptr<HashLane, void (*)(HashLane*)>{lane_, [](HashLane* lane) { lane->wait(); }};
    const ByteOffset end{source_->size().value};
    for (ByteOffset at{0}; at < end;) {
        if (context_->is_stopped()) {
            return cancelled("exporting files");
        }
        const auto step = next_step(at, end);
        if (step.is_hole) {
            skip_hole(step.range);
        } else if (auto trouble = SALVAGE_TRY(copy(step.range))) {
            return trouble;
        }
        advance(step.range.size());
        at = step.range.end();
    }
    return std::optional<Error>{};
}

/// What to do next: a hole of a window's length at most, or a chunk.
ContentCopy::Step ContentCopy::next_step(ByteOffset at, ByteOffset end)
{
    if (at.value % window_bytes == 0 || !hole_.contains(at)) {
        const auto window = ByteRange::between(at, std::min(end, at + ByteCount{window_bytes}));
        const auto extents = source_->extents(window);
        const auto starts_with_hole =
            extents.has_value() && !extents->empty() && extents->front().kind == io::ExtentKind::hole;
        hole_ = starts_with_hole ? extents->front().range : ByteRange{};
    }
    if (hole_.contains(at) && hole_.end() - at >= ByteCount{chunk_bytes}) {
        return {.range = ByteRange::between(at, hole_.end()), .is_hole = true};
    }
    return {.range = ByteRange::between(at, std::min(end, at + ByteCount{chunk_bytes})), .is_hole = false};
}

void ContentCopy::skip_hole(ByteRange range)
{
    holes_ = holes_ + range.size();
    is_hashed_ = is_hashed_ && holes_ <= max_hashed_hole;
    if (is_hashed_) {
        lane_->update_zeros(hash_, range.size().value);
    }
}

Result<std::optional<Error>> ContentCopy::copy(ByteRange range)
{
    auto buffer = pool_->take();
    const auto bytes = std::span{*buffer}.first(static_cast<std::size_t>(range.size().value));
    auto extents = read_what_is_there(*source_, range, bytes, Tolerate::damage);
    if (!extents.has_value()) {
        return std::optional{std::move(extents).error()};
    }
    losses_.add(*extents);
    if (!is_hole(*extents)) {
        SALVAGE_TRY(TargetTree::write_sparse(*file_, range.start(), bytes));
    }
    if (is_hashed_ && range.size() == source_->size()) {
        hash_.update(bytes); // nothing is left to do meanwhile: the lane would cost two changes of threads
    } else if (is_hashed_) {
        lane_->update(hash_, std::move(buffer), 0, bytes.size());
    }
    return std::optional<Error>{};
}

} // namespace salvage::rescue
