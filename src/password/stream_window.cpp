// The words of a stream that are still at hand.
#include "password/stream_window.hpp"

#include <algorithm>

namespace salvage::password {

void StreamWindow::add(std::string_view word, bool is_rejected)
{
    const bool is_full =
        blocks_.empty() || blocks_.back().ends.size() >= block_words || blocks_.back().text.size() >= block_bytes;
    if (is_full) {
        begin_block();
    }
    auto& block = blocks_.back();
    block.text += is_rejected ? std::string_view{} : word;
    block.ends.push_back(static_cast<std::uint32_t>(block.text.size()));
    block.is_rejected.push_back(is_rejected);
    block.is_given.push_back(false);
    ++words_;
    rejected_ += is_rejected ? 1U : 0U;
}

/// Makes room: what was handed out goes before what nobody asked for yet.
void StreamWindow::begin_block()
{
    if (!blocks_.empty()) {
        bytes_ += blocks_.back().bytes();
    }
    while (bytes_ > limit_) {
        const auto done = std::ranges::find_if(blocks_, &Block::is_done);
        const auto oldest = done != blocks_.end() ? done : blocks_.begin();
        bytes_ -= oldest->bytes();
        blocks_.erase(oldest);
    }
    blocks_.emplace_back().first = words_;
}

StreamWindow::Block* StreamWindow::find(std::uint64_t number)
{
    const auto next = std::ranges::upper_bound(blocks_, number, {}, &Block::first);
    if (next == blocks_.begin()) {
        return nullptr;
    }
    auto& block = *(next - 1);
    return number - block.first < block.ends.size() ? &block : nullptr;
}

std::size_t StreamWindow::give(std::uint64_t first, std::span<Candidate> into)
{
    auto* const block = find(first);
    if (block == nullptr) {
        return 0;
    }
    const auto from = static_cast<std::size_t>(first - block->first);
    const auto count = std::min(into.size(), block->ends.size() - from);
    for (std::size_t i = 0; i < count; ++i) {
        const auto word = from + i;
        const std::size_t begin = word == 0 ? 0 : block->ends[word - 1];
        into[i].bytes.assign(block->text, begin, block->ends[word] - begin);
        into[i].is_rejected = block->is_rejected[word];
        block->given += block->is_given[word] ? 0U : 1U;
        block->is_given[word] = true;
    }
    return count;
}

} // namespace salvage::password
