// Words put together from two keyspaces.
#include "salvage/password/combine.hpp"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "password/combine_cache.hpp"
#include "password/keyspace.hpp"
#include "salvage/core/text.hpp"

namespace salvage::password {
namespace {

/// Right words up to this many, and this many bytes of them, are kept in memory.
constexpr std::uint64_t most_kept_words = 65536;
constexpr std::size_t most_kept_bytes = std::size_t{16} << 20U;
constexpr std::size_t read_words_at_once = 4096;

/// All right words where they are few; nothing where they are many.
Result<std::vector<Candidate>> keep_if_few(const Keyspace& words)
{
    std::vector<Candidate> kept;
    const auto size = words.size().value;
    if (size > most_kept_words) {
        return kept;
    }
    kept.resize(static_cast<std::size_t>(size));
    std::size_t bytes = 0;
    for (std::size_t at = 0; at < kept.size();) {
        const auto part = std::span{kept}.subspan(at, std::min(read_words_at_once, kept.size() - at));
        SALVAGE_TRY(words.candidates(at, part));
        for (const auto& word : part) {
            bytes += sizeof(Candidate) + word.bytes.size();
        }
        if (bytes > most_kept_bytes) {
            kept.clear();
            return kept;
        }
        at += part.size();
    }
    return kept;
}

class Combinator final : public Keyspace {
public:
    Combinator(KeyspacePtr left, KeyspacePtr right, std::vector<Candidate> kept_right, std::uint64_t size)
        : left_{std::move(left)}, right_{std::move(right)}, right_size_{right_->size().value},
          kept_right_{std::move(kept_right)}, size_{size}
    {
    }

    [[nodiscard]] Candidates size() const noexcept override { return Candidates{size_}; }
    [[nodiscard]] bool is_open_ended() const noexcept override { return left_.keyspace().is_open_ended(); }

    Result<std::size_t> candidates(std::uint64_t first, std::span<Candidate> into) const override
    {
        SALVAGE_TRY(check_range(first, into.size(), size_));
        return left_.fill_product(first, into, right_size_,
                                  [this](const Candidate& left, std::uint64_t at, std::span<Candidate> part) {
                                      return fill(left, at, part);
                                  });
    }

    /// What both parts are; "text" where they differ.
    [[nodiscard]] std::string encoding(std::uint64_t index) const override
    {
        if (index >= size_) {
            return "text";
        }
        auto left = left_.keyspace().encoding(index / right_size_);
        return left == right_->encoding(index % right_size_) ? left : "text";
    }
    [[nodiscard]] std::string identity() const override
    {
        return fmt::format("({})x({})", left_.keyspace().identity(), right_->identity());
    }
    [[nodiscard]] std::string description() const override
    {
        return fmt::format("{}, each followed by {}", left_.keyspace().description(), right_->description());
    }

private:
    Result<> fill(const Candidate& left, std::uint64_t at, std::span<Candidate> into) const
    {
        if (!kept_right_.empty()) {
            const auto from = std::span{kept_right_}.subspan(static_cast<std::size_t>(at), into.size());
            std::ranges::copy(from, into.begin());
        } else {
            SALVAGE_TRY(right_->candidates(at, into));
        }
        for (auto& each : into) {
            each.bytes.insert(0, left.bytes);
            each.is_rejected = each.is_rejected || left.is_rejected || each.bytes.size() > max_word_bytes;
        }
        return {};
    }

    OuterWords left_;
    KeyspacePtr right_;
    std::uint64_t right_size_;
    std::vector<Candidate> kept_right_; ///< empty: asked for each time
    std::uint64_t size_;
};

Result<KeyspacePtr> with_rule(KeyspacePtr words, const std::optional<Rule>& rule)
{
    return rule ? make_rules(std::move(words), RuleSet::of(*rule)) : Result<KeyspacePtr>{std::move(words)};
}

} // namespace

Result<KeyspacePtr> make_combinator(KeyspacePtr left, KeyspacePtr right, const CombinatorOptions& options)
{
    if (right->is_open_ended()) {
        return invalid_argument("the right part of a combination has no end",
                                right->description() + " is read once, and would be needed again for every left word",
                                "put it left, or in a file");
    }
    auto left_words = SALVAGE_TRY(with_rule(std::move(left), options.left_rule));
    auto right_words = SALVAGE_TRY(with_rule(std::move(right), options.right_rule));
    const auto product = checked_multiply(left_words->size().value, right_words->size().value);
    if (!product && !left_words->is_open_ended()) {
        return invalid_argument("these words are too many together",
                                fmt::format("{} left words times {} right words do not fit in 64 bits",
                                            format_count(left_words->size().value),
                                            format_count(right_words->size().value)),
                                "search with one part of them after another");
    }
    auto kept = SALVAGE_TRY(keep_if_few(*right_words).in("reading the right words"));
    const auto size = product.value_or(std::numeric_limits<std::uint64_t>::max());
    return KeyspacePtr{
        std::make_shared<const Combinator>(std::move(left_words), std::move(right_words), std::move(kept), size)};
}

} // namespace salvage::password
