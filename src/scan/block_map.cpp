// Summing up blocks.  Entropy is sampled: 64 cells of 1 KiB of a block, evenly spread, say as much as all of it and
// cost a sixteenth.
#include "scan/block_map.hpp"

#include <algorithm>
#include <cmath>

namespace salvage::scan {
namespace {

constexpr std::uint64_t cell_bytes = 1024;
constexpr std::uint64_t sampled_bytes = 64 * cell_bytes; // of a block; random bytes then measure 7.997

ByteCount bounded_block(ByteCount size, ByteCount block) noexcept
{
    auto bytes = block.value;
    while (size.value / bytes >= BlockMap::max_blocks) {
        bytes *= 2;
    }
    return ByteCount{bytes};
}

} // namespace

BlockMap::BlockMap(ByteRange range, ByteCount block, bool with_entropy)
    : block_{bounded_block(range.size(), block)}, left_{range.size().value},
      sample_every_{std::max<std::uint64_t>(1, block_.value / sampled_bytes)}, with_entropy_{with_entropy}
{
    blocks_.reserve(static_cast<std::size_t>((left_ / block_.value) + 1));
}

template <typename Add>
void BlockMap::add_by_block(std::uint64_t size, Add add)
{
    while (size > 0) {
        const auto piece = std::min(size, block_.value - filled_);
        add(piece);
        filled_ += piece;
        left_ -= piece;
        size -= piece;
        if (filled_ == block_.value || left_ == 0) {
            close_block();
        }
    }
}

template <typename Take>
void BlockMap::for_samples(std::uint64_t from, std::uint64_t to, Take take) const
{
    if (!with_entropy_) {
        return;
    }
    const auto stride = sample_every_ * cell_bytes;
    for (auto cell = from / stride * stride; cell < to; cell += stride) {
        const auto start = std::max(cell, from);
        const auto end = std::min(cell + cell_bytes, to);
        if (start < end) {
            take(start, end - start);
        }
    }
}

void BlockMap::add_bytes(ByteView bytes)
{
    add_by_block(bytes.size(), [&](std::uint64_t size) {
        const auto piece = bytes.first(static_cast<std::size_t>(size));
        bytes = bytes.subspan(piece.size());
        is_zero_ = is_zero_ && is_all_zero(piece);
        for_samples(filled_, filled_ + size, [&](std::uint64_t start, std::uint64_t count_of) {
            count(piece.subspan(static_cast<std::size_t>(start - filled_), static_cast<std::size_t>(count_of)));
        });
    });
}

void BlockMap::add_hole(ByteCount size)
{
    add_by_block(size.value, [&](std::uint64_t piece) {
        holes_ += piece;
        for_samples(filled_, filled_ + piece, [&](std::uint64_t /*start*/, std::uint64_t count_of) {
            histogram_[0][0] += static_cast<std::uint32_t>(count_of);
        });
    });
}

void BlockMap::add_unreadable(ByteCount size)
{
    add_by_block(size.value, [&](std::uint64_t /*piece*/) { is_unreadable_ = true; });
}

void BlockMap::count(ByteView bytes)
{
    constexpr std::size_t tables = std::tuple_size_v<Histogram>;
    std::size_t i = 0;
    for (; i + tables <= bytes.size(); i += tables) {
        ++histogram_[0][std::to_integer<std::size_t>(bytes[i])];
        ++histogram_[1][std::to_integer<std::size_t>(bytes[i + 1])];
        ++histogram_[2][std::to_integer<std::size_t>(bytes[i + 2])];
        ++histogram_[3][std::to_integer<std::size_t>(bytes[i + 3])];
    }
    for (; i < bytes.size(); ++i) {
        ++histogram_[0][std::to_integer<std::size_t>(bytes[i])];
    }
}

float BlockMap::entropy() const
{
    double total = 0;
    double weighted = 0;
    for (std::size_t value = 0; value < 256; ++value) {
        double times = 0;
        for (const auto& table : histogram_) {
            times += table.at(value);
        }
        if (times > 0) {
            total += times;
            weighted += times * std::log2(times);
        }
    }
    return total == 0 ? -1.0F : static_cast<float>(std::log2(total) - (weighted / total));
}

void BlockMap::close_block()
{
    const bool is_zero = is_zero_ && !is_unreadable_;
    blocks_.push_back({.entropy = entropy(), .is_zero = is_zero, .is_unreadable = is_unreadable_});
    zero_bytes_ = zero_bytes_ + ByteCount{is_zero ? filled_ : holes_};
    filled_ = 0;
    holes_ = 0;
    is_zero_ = true;
    is_unreadable_ = false;
    if (with_entropy_) {
        histogram_ = {};
    }
}

} // namespace salvage::scan
