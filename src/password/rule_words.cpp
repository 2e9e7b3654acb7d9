// Every word with every rule.
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "password/combine_cache.hpp"
#include "password/keyspace.hpp"
#include "salvage/core/text.hpp"
#include "salvage/password/rules.hpp"

namespace salvage::password {
namespace {

class RuleWords final : public Keyspace {
public:
    RuleWords(KeyspacePtr words, RuleSet rules, std::uint64_t size)
        : words_{std::move(words)}, rules_{std::move(rules)}, size_{size}
    {
    }

    [[nodiscard]] Candidates size() const noexcept override { return Candidates{size_}; }
    [[nodiscard]] bool is_open_ended() const noexcept override { return words_.keyspace().is_open_ended(); }

    Result<std::size_t> candidates(std::uint64_t first, std::span<Candidate> into) const override
    {
        SALVAGE_TRY(check_range(first, into.size(), size_));
        return words_.fill_product(first, into, rules_.size(),
                                   [this](const Candidate& word, std::uint64_t rule, std::span<Candidate> part) {
                                       for (auto& each : part) {
                                           make(word, rule++, each);
                                       }
                                       return Result<>{};
                                   });
    }

    [[nodiscard]] std::string encoding(std::uint64_t index) const override
    {
        return words_.keyspace().encoding(index / rules_.size());
    }
    [[nodiscard]] std::string identity() const override
    {
        return fmt::format("({})*{}", words_.keyspace().identity(), rules_.identity());
    }
    [[nodiscard]] std::string description() const override
    {
        return fmt::format("{}, with {}", words_.keyspace().description(), rules_.description());
    }

private:
    void make(const Candidate& word, std::uint64_t rule, Candidate& into) const
    {
        into = word;
        into.is_rejected = word.is_rejected || !rules_.apply(rule, into.bytes) || into.bytes.size() > max_word_bytes;
    }

    OuterWords words_;
    RuleSet rules_;
    std::uint64_t size_;
};

} // namespace

Result<KeyspacePtr> make_rules(KeyspacePtr words, RuleSet rules)
{
    if (rules.size() == 0) {
        return invalid_argument("there is no rule", fmt::format("{} were given", rules.description()),
                                "a rule that changes nothing is written as a colon");
    }
    const auto count = words->size().value;
    const auto product = checked_multiply(count, rules.size());
    if (!product && !words->is_open_ended()) {
        return invalid_argument("these words and rules are too many together",
                                fmt::format("{} words times {} rules do not fit in 64 bits", format_count(count),
                                            format_count(rules.size())),
                                "take fewer rules");
    }
    // A stream ends long before its numbers do.
    const auto size = product.value_or(std::numeric_limits<std::uint64_t>::max());
    return KeyspacePtr{std::make_shared<const RuleWords>(std::move(words), std::move(rules), size)};
}

} // namespace salvage::password
