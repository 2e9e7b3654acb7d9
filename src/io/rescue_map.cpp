// The status of every byte of a dump, as blocks that follow one another.
#include <algorithm>
#include <array>
#include <cstddef>

#include "salvage/io/ddrescue_map.hpp"

namespace salvage::io {
namespace {

/// Up to five blocks, joined where they agree: what one change leaves around it.
class Splice {
public:
    void push(ByteRange range, BlockStatus status)
    {
        if (range.is_empty()) {
            return;
        }
        if (count_ > 0 && blocks_[count_ - 1].status == status) {
            blocks_[count_ - 1].range = ByteRange::between(blocks_[count_ - 1].range.start(), range.end());
            return;
        }
        blocks_[count_] = {.range = range, .status = status};
        ++count_;
    }
    void push(const MapBlock& block) { push(block.range, block.status); }
    [[nodiscard]] auto begin() const noexcept { return blocks_.begin(); }
    [[nodiscard]] std::ptrdiff_t size() const noexcept { return static_cast<std::ptrdiff_t>(count_); }

private:
    std::array<MapBlock, 5> blocks_{};
    std::size_t count_{0};
};

} // namespace

RescueMap::RescueMap(ByteCount size)
{
    resize(size);
}

ByteCount RescueMap::size() const noexcept
{
    return blocks_.empty() ? ByteCount{0} : ByteCount{blocks_.back().range.end().value};
}

std::vector<MapBlock>::const_iterator RescueMap::first_ending_after(ByteOffset at) const
{
    return std::ranges::upper_bound(blocks_, at, {}, [](const MapBlock& block) { return block.range.end(); });
}

void RescueMap::set(ByteRange range, BlockStatus status)
{
    const auto wanted = range.intersection(ByteRange::first(size()));
    if (wanted.is_empty()) {
        return;
    }
    auto first = blocks_.begin() + (first_ending_after(wanted.start()) - blocks_.cbegin());
    auto last = std::ranges::lower_bound(first, blocks_.end(), wanted.end(), {},
                                         [](const MapBlock& block) { return block.range.start(); });
    Splice fresh;
    const MapBlock head{.range = ByteRange::between(first->range.start(), wanted.start()), .status = first->status};
    const auto& ending = *(last - 1);
    const MapBlock tail{.range = ByteRange::between(wanted.end(), ending.range.end()), .status = ending.status};
    // The neighbours are taken along: they may have to be joined with what is new.
    if (first != blocks_.begin()) {
        --first;
        fresh.push(*first);
    }
    fresh.push(head);
    fresh.push(wanted, status);
    fresh.push(tail);
    if (last != blocks_.end()) {
        fresh.push(*last);
        ++last;
    }
    const auto common = std::min(last - first, fresh.size());
    const auto rest = std::copy_n(fresh.begin(), common, first);
    if (fresh.size() > common) {
        blocks_.insert(rest, fresh.begin() + common, fresh.begin() + fresh.size());
    } else {
        blocks_.erase(rest, last);
    }
}

void RescueMap::resize(ByteCount size)
{
    const ByteOffset end{size.value};
    while (!blocks_.empty() && blocks_.back().range.end() > end) {
        auto& block = blocks_.back();
        if (block.range.start() >= end) {
            blocks_.pop_back();
        } else {
            block.range = ByteRange::between(block.range.start(), end);
        }
    }
    const ByteOffset there{this->size().value};
    if (there == end) {
        return;
    }
    if (!blocks_.empty() && blocks_.back().status == BlockStatus::untried) {
        blocks_.back().range = ByteRange::between(blocks_.back().range.start(), end);
    } else {
        blocks_.push_back({.range = ByteRange::between(there, end), .status = BlockStatus::untried});
    }
}

std::optional<ByteRange> RescueMap::find(BlockStatus status, ByteOffset from, ByteOffset end) const
{
    for (auto each = first_ending_after(from); each != blocks_.end() && each->range.start() < end; ++each) {
        if (each->status == status) {
            return each->range.intersection(ByteRange::between(from, end));
        }
    }
    return std::nullopt;
}

bool RescueMap::is_finished(ByteRange range) const
{
    return range.is_empty() || (range.end().value <= size().value && unfinished(range).empty());
}

ByteCount RescueMap::total(BlockStatus status, ByteRange range) const
{
    ByteCount out;
    for (auto each = first_ending_after(range.start()); each != blocks_.end() && each->range.start() < range.end();
         ++each) {
        if (each->status == status) {
            out = out + each->range.intersection(range).size();
        }
    }
    return out;
}

std::vector<ByteRange> RescueMap::unfinished(ByteRange range) const
{
    std::vector<ByteRange> out;
    for (auto each = first_ending_after(range.start()); each != blocks_.end() && each->range.start() < range.end();
         ++each) {
        const auto part = each->range.intersection(range);
        if (each->status == BlockStatus::finished || part.is_empty()) {
            continue;
        }
        if (!out.empty() && out.back().end() == part.start()) {
            out.back() = ByteRange::between(out.back().start(), part.end());
        } else {
            out.push_back(part);
        }
    }
    return out;
}

} // namespace salvage::io
