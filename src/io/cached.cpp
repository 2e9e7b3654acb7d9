// Keeps the blocks that were read last.
#include <algorithm>
#include <list>
#include <map>
#include <mutex>
#include <utility>

#include "salvage/io/views.hpp"

namespace salvage::io {
namespace {

class Cached final : public ByteSource {
public:
    Cached(SourcePtr source, ByteCount block, std::size_t blocks)
        : source_{std::move(source)}, block_bytes_{std::max<std::uint64_t>(block.value, 1)},
          capacity_{std::max<std::size_t>(blocks, 1)}
    {
    }

    [[nodiscard]] ByteCount size() const noexcept override { return source_->size(); }
    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        SALVAGE_TRY(check_range(*this, at, ByteCount{into.size()}));
        while (!into.empty()) {
            const auto within = at.value % block_bytes_;
            const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), block_bytes_ - within));
            const auto block = fetch(at.value / block_bytes_);
            if (block.has_value()) {
                std::ranges::copy(ByteView{**block}.subspan(static_cast<std::size_t>(within), count), into.begin());
            } else {
                // A bad byte elsewhere in the block must not cost this range: ask for exactly it.
                SALVAGE_TRY(source_->read_at(at, into.first(count)));
            }
            into = into.subspan(count);
            at = at + ByteCount{count};
        }
        return {};
    }
    Result<std::vector<Extent>> extents(ByteRange range) const override { return source_->extents(range); }
    [[nodiscard]] Location locate(ByteOffset at) const override { return source_->locate(at); }

private:
    using Block = std::shared_ptr<const Bytes>;
    struct Slot {
        Block block;
        std::list<std::uint64_t>::iterator age;
    };

    Result<Block> fetch(std::uint64_t index) const
    {
        {
            const std::scoped_lock lock{mutex_};
            if (const auto known = slots_.find(index); known != slots_.end()) {
                ages_.splice(ages_.begin(), ages_, known->second.age);
                return known->second.block;
            }
        }
        auto block = std::make_shared<const Bytes>(
            SALVAGE_TRY(read_up_to(*source_, ByteOffset{index * block_bytes_}, ByteCount{block_bytes_})));
        const std::scoped_lock lock{mutex_};
        if (!slots_.contains(index)) {
            ages_.push_front(index);
            slots_.emplace(index, Slot{.block = block, .age = ages_.begin()});
        }
        if (slots_.size() > capacity_) {
            slots_.erase(ages_.back());
            ages_.pop_back();
        }
        return block;
    }

    SourcePtr source_;
    std::uint64_t block_bytes_;
    std::size_t capacity_;
    mutable std::mutex mutex_;
    mutable std::list<std::uint64_t> ages_; ///< youngest first
    mutable std::map<std::uint64_t, Slot> slots_;
};

} // namespace

SourcePtr make_cached(SourcePtr source, ByteCount block, std::size_t blocks)
{
    return std::make_shared<Cached>(std::move(source), block, blocks);
}

} // namespace salvage::io
