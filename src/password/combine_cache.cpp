// Blocks of outer words.
#include "password/combine_cache.hpp"

#include <algorithm>
#include <utility>

#include "password/keyspace.hpp"

namespace salvage::password {

Result<OuterWords::BlockPtr> OuterWords::block(std::uint64_t number) const
{
    {
        const std::scoped_lock lock{mutex_};
        auto* const known = std::ranges::find_if(
            kept_, [&](const BlockPtr& each) { return each != nullptr && each->number == number; });
        if (known != kept_.end()) {
            std::rotate(kept_.begin(), known, known + 1);
            return kept_.front();
        }
    }
    auto made = std::make_shared<Block>();
    made->number = number;
    const auto first = number * block_words;
    made->words.resize(static_cast<std::size_t>(std::min(block_words, words_->size().value - first)));
    const auto filled = SALVAGE_TRY(words_->candidates(first, made->words));
    made->words.resize(filled);
    BlockPtr block = std::move(made);
    const std::scoped_lock lock{mutex_};
    std::ranges::rotate(kept_, kept_.end() - 1);
    kept_.front() = block;
    return block;
}

Result<std::size_t> OuterWords::get(std::uint64_t first, std::span<Candidate> into) const
{
    if (words_->is_open_ended() || into.size() >= block_words) {
        return words_->candidates(first, into);
    }
    auto rest = into;
    while (!rest.empty()) {
        const auto from = SALVAGE_TRY(block(first / block_words));
        const auto within = static_cast<std::size_t>(first % block_words);
        SALVAGE_TRY(check_range(within, 1, from->words.size()));
        const auto count = std::min(rest.size(), from->words.size() - within);
        std::copy_n(from->words.begin() + static_cast<std::ptrdiff_t>(within), count, rest.begin());
        rest = rest.subspan(count);
        first += count;
    }
    return into.size();
}

} // namespace salvage::password
