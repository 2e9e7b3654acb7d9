// Words put together from two keyspaces.
#include <atomic>
#include <limits>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "combine_support.hpp"
#include "salvage/password/combine.hpp"
#include "support/files.hpp"

namespace salvage::password {
namespace {

using salvage::test::fails_with;
using salvage::test::is_ok;
using test::in_pieces_by_threads;
using test::Words;
using test::words_of;

KeyspacePtr list(std::vector<std::string> words)
{
    return make_list(std::move(words), "a list");
}

KeyspacePtr numbered(std::string_view prefix, std::size_t count)
{
    std::vector<std::string> words;
    for (std::size_t i = 0; i < count; ++i) {
        words.push_back(fmt::format("{}{}", prefix, i));
    }
    return list(std::move(words));
}

TEST(Combinator, PutsEveryRightWordBehindEveryLeftOne)
{
    const auto keyspace = make_combinator(list({"a", "b"}), list({"1", "2", ""})).unwrap();
    EXPECT_EQ(keyspace->size().value, 6U);
    EXPECT_EQ(words_of(*keyspace), (Words{"a1", "a2", "a", "b1", "b2", "b"}));
}

TEST(Combinator, AppliesARuleToEachSide)
{
    const auto left_rule = Rule::parse("c $-", RulePlace::side).unwrap();
    const auto right_rule = Rule::parse(">2 r", RulePlace::side).unwrap();
    const auto keyspace =
        make_combinator(list({"ab", "cd"}), list({"1", "23"}), {.left_rule = left_rule, .right_rule = right_rule})
            .unwrap();
    EXPECT_EQ(words_of(*keyspace), (Words{std::nullopt, "Ab-32", std::nullopt, "Cd-32"}));
}

TEST(Combinator, RejectsAllOfARejectedLeftWordAndWhatIsTooLong)
{
    const auto short_only = Rule::parse("<2", RulePlace::side).unwrap();
    EXPECT_EQ(words_of(*make_combinator(list({"abc", "d"}), list({"1", "2"}), {.left_rule = short_only}).unwrap()),
              (Words{std::nullopt, std::nullopt, "d1", "d2"}));
    const std::string half(max_word_bytes / 2, 'x');
    EXPECT_EQ(words_of(*make_combinator(list({half}), list({half, half + "y"})).unwrap()),
              (Words{half + half, std::nullopt}));
}

TEST(Combinator, CoversEveryCandidateOnceHoweverItIsSplit)
{
    struct Sizes {
        std::size_t left{};
        std::size_t right{};
    };
    for (const auto& [left, right] : {Sizes{1, 2000}, Sizes{700, 3}, Sizes{5, 700}, Sizes{1, 1}}) {
        const auto keyspace = make_combinator(numbered("l", left), numbered("r", right)).unwrap();
        Words expected;
        for (std::size_t i = 0; i < left; ++i) {
            for (std::size_t k = 0; k < right; ++k) {
                expected.emplace_back(fmt::format("l{}r{}", i, k));
            }
        }
        for (const std::uint64_t seed : {1U, 2U, 3U}) {
            EXPECT_EQ(in_pieces_by_threads(*keyspace, expected.size(), 999, seed), expected) << left << " x " << right;
        }
    }
}

/// Numbers as words, more than are kept in memory.
class Numbers final : public ComputedKeyspace {
public:
    explicit Numbers(std::uint64_t size) : size_{size} {}
    [[nodiscard]] Candidates size() const noexcept override { return Candidates{size_}; }
    [[nodiscard]] std::string identity() const override { return "numbers"; }
    [[nodiscard]] std::string description() const override { return "numbers"; }

protected:
    void compute(std::uint64_t index, Candidate& into) const override { into.bytes = std::to_string(index); }

private:
    std::uint64_t size_;
};

TEST(Combinator, TakesRightPartsThatDoNotFitInMemory)
{
    const auto many = std::make_shared<const Numbers>(1ULL << 40U);
    const auto keyspace = make_combinator(list({"a", "b"}), many).unwrap();
    ASSERT_EQ(keyspace->size().value, 1ULL << 41U);
    EXPECT_EQ(words_of(*keyspace, (1ULL << 40U) - 2, 4), (Words{"a1099511627774", "a1099511627775", "b0", "b1"}));
}

TEST(Combinator, ThatDoesNotFitIn64BitsIsRefused)
{
    const auto many = std::make_shared<const Numbers>(1ULL << 40U);
    EXPECT_TRUE(fails_with(make_combinator(many, many), ErrorCode::invalid_argument));
    const auto all = std::make_shared<const Numbers>(std::numeric_limits<std::uint64_t>::max());
    EXPECT_TRUE(is_ok(make_combinator(all, list({"1"}))));
    EXPECT_TRUE(fails_with(make_combinator(all, list({"1", "2"})), ErrorCode::invalid_argument));
}

TEST(Combinator, OfNothingHasNothing)
{
    EXPECT_EQ(make_combinator(list({}), list({"a"})).unwrap()->size().value, 0U);
    const auto keyspace = make_combinator(list({"a"}), list({})).unwrap();
    EXPECT_EQ(keyspace->size().value, 0U);
    EXPECT_TRUE(fails_with(candidate_at(*keyspace, 0), ErrorCode::internal));
    EXPECT_EQ(keyspace->encoding(0), "text");
}

TEST(Combinator, SaysWhatItIs)
{
    const auto keyspace = make_combinator(list({"a"}), list({"b"})).unwrap();
    EXPECT_EQ(keyspace->description(), "a list, each followed by a list");
    EXPECT_NE(keyspace->identity(), make_combinator(list({"b"}), list({"a"})).unwrap()->identity());
    EXPECT_EQ(keyspace->encoding(0), "text");
}

/// Counts how often it is asked.
class Asked final : public Keyspace {
public:
    Asked(KeyspacePtr words, std::atomic<unsigned>& times) : words_{std::move(words)}, times_{&times} {}
    [[nodiscard]] Candidates size() const noexcept override { return words_->size(); }
    [[nodiscard]] Result<std::size_t> candidates(std::uint64_t first, std::span<Candidate> into) const override
    {
        ++*times_;
        return words_->candidates(first, into);
    }
    [[nodiscard]] std::string identity() const override { return "asked"; }
    [[nodiscard]] std::string description() const override { return "asked"; }

private:
    KeyspacePtr words_;
    std::atomic<unsigned>* times_;
};

TEST(Combinator, AsksForALeftWordOnceWhileItsRightWordsRun)
{
    std::atomic<unsigned> times = 0;
    const auto left = std::make_shared<const Asked>(numbered("l", 300), times);
    const auto keyspace = make_combinator(left, std::make_shared<const Numbers>(100'000)).unwrap();
    for (std::uint64_t at = 0; at < 1'000'000; at += 10'000) {
        EXPECT_EQ(words_of(*keyspace, at, 1), Words{fmt::format("l{}{}", at / 100'000, at % 100'000)});
    }
    EXPECT_EQ(times.load(), 1U) << "words are read in blocks, and the last blocks are kept";
}

TEST(Combinator, TakesWordListsAndGivesThemInAnyOrder)
{
    const salvage::test::TemporaryFolder folder;
    std::string text;
    for (unsigned i = 0; i < 3000; ++i) {
        text += fmt::format("w{}\n", i);
    }
    const auto words = make_wordlist(folder.write("words.txt", as_bytes(text)).string()).unwrap();
    const auto keyspace = make_combinator(words, list({"1", "2"})).unwrap();
    Words expected;
    for (unsigned i = 0; i < 3000; ++i) {
        expected.emplace_back(fmt::format("w{}1", i));
        expected.emplace_back(fmt::format("w{}2", i));
    }
    EXPECT_EQ(in_pieces_by_threads(*keyspace, expected.size(), 100, 9), expected);
}

} // namespace
} // namespace salvage::password
