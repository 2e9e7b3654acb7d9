// Given secrets, and keyspaces one after another.
#include <algorithm>
#include <limits>

#include <gtest/gtest.h>

#include "keyspace_support.hpp"

namespace salvage::password {
namespace {

using salvage::test::fails_with;
using salvage::test::is_ok;
using test::all_of;
using test::at_once;
using test::one_by_one;

TEST(List, GivesItsSecretsInOrder)
{
    const auto list = make_list({"beta", std::string{"\0\1", 2}, ""}, "given secrets", "text");
    EXPECT_EQ(all_of(*list), (std::vector<std::string>{"beta", std::string{"\0\1", 2}, ""}));
    EXPECT_EQ(list->description(), "given secrets");
    EXPECT_TRUE(fails_with(candidate_at(*list, 3), ErrorCode::internal));
}

TEST(List, IsKnownAgainWithoutGivingItsSecretsAway)
{
    const auto list = make_list({"correct horse"}, "given", "text");
    EXPECT_EQ(list->identity(), make_list({"correct horse"}, "other words", "text")->identity());
    EXPECT_NE(list->identity(), make_list({"battery"}, "given", "text")->identity());
    EXPECT_NE(list->identity(), make_list({"correct horse"}, "given", "pattern-raw")->identity());
    EXPECT_EQ(list->identity().find("correct"), std::string::npos);
}

TEST(List, TellsWhereOneSecretEndsAndTheNextBegins)
{
    EXPECT_NE(make_list({"ab", "c"}, "", "text")->identity(), make_list({"a", "bc"}, "", "text")->identity());
}

TEST(Chain, GivesItsPartsOneAfterAnother)
{
    const auto chain =
        make_chain({make_list({"a", "b"}, "x"), make_list({}, "empty"), make_list({"c"}, "y", "pattern-raw")}).unwrap();
    EXPECT_EQ(chain->size().value, 3U);
    EXPECT_EQ(all_of(*chain), (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_EQ(at_once(*chain, 0, 3), all_of(*chain));
    EXPECT_EQ(at_once(*chain, 1, 2), (std::vector<std::string>{"b", "c"}));
    EXPECT_EQ(chain->encoding(1), "text");
    EXPECT_EQ(chain->encoding(2), "pattern-raw");
    EXPECT_EQ(chain->description(), "x, then empty, then y");
}

TEST(Chain, AsksItsPartsAtOnceAcrossTheirBorders)
{
    const auto pins = make_pins(4, 4).unwrap();
    const auto chain = make_chain({pins, make_list({"x"}, "x"), pins}).unwrap();
    EXPECT_EQ(at_once(*chain, 9'990, 30), one_by_one(*chain, 9'990, 30));
}

TEST(Chain, OfNothingIsEmpty)
{
    const auto chain = make_chain({}).unwrap();
    EXPECT_EQ(chain->size().value, 0U);
    EXPECT_TRUE(fails_with(candidate_at(*chain, 0), ErrorCode::internal));
    EXPECT_EQ(chain->encoding(0), "text");
}

TEST(Chain, HasNothingBeyondItsEnd)
{
    const auto chain = make_chain({make_list({"a"}, "x")}).unwrap();
    EXPECT_TRUE(fails_with(candidate_at(*chain, 1), ErrorCode::internal));
    std::vector<Candidate> two(2);
    EXPECT_TRUE(fails_with(chain->candidates(0, two), ErrorCode::internal));
}

TEST(Chain, IsKnownByItsPartsInTheirOrder)
{
    const auto a = make_list({"a"}, "x");
    const auto b = make_pins(4, 4).unwrap();
    EXPECT_NE(make_chain({a, b}).unwrap()->identity(), make_chain({b, a}).unwrap()->identity());
}

/// As many as one likes.
class Huge final : public Keyspace {
public:
    explicit Huge(std::uint64_t size) : size_{size} {}
    Candidates size() const noexcept override { return Candidates{size_}; }
    Result<std::size_t> candidates(std::uint64_t /*first*/, std::span<Candidate> into) const override
    {
        for (auto& candidate : into) {
            candidate.bytes = "x";
        }
        return into.size();
    }
    bool is_open_ended() const noexcept override { return size_ == std::numeric_limits<std::uint64_t>::max(); }
    std::string identity() const override { return "huge"; }
    std::string description() const override { return "huge"; }

private:
    std::uint64_t size_;
};

TEST(Chain, OfMoreThanCanBeNumberedIsRefused)
{
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    EXPECT_TRUE(is_ok(make_chain({std::make_shared<Huge>(most - 1), std::make_shared<Huge>(1)})));
    EXPECT_TRUE(fails_with(make_chain({std::make_shared<Huge>(most - 1), std::make_shared<Huge>(2)}),
                           ErrorCode::invalid_argument));
}

TEST(Chain, TakesAStreamOnlyAtItsEnd)
{
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    const auto stream = std::make_shared<Huge>(most);
    EXPECT_TRUE(fails_with(make_chain({stream, std::make_shared<Huge>(1)}), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(make_chain({stream, std::make_shared<Huge>(1), stream}), ErrorCode::invalid_argument));
    const auto chain = make_chain({std::make_shared<Huge>(7), stream});
    ASSERT_TRUE(is_ok(chain));
    EXPECT_TRUE((*chain)->is_open_ended());
    EXPECT_EQ((*chain)->size(), Candidates{most});
}

TEST(Range, IsAPartOfAnotherKeyspaceCountedFromZero)
{
    const auto list = make_list({"a", "b", "c", "d"}, "letters");
    const auto range = make_range(list, 1, 3);
    EXPECT_EQ(test::all_of(*range), (std::vector<std::string>{"b", "c"}));
    EXPECT_TRUE(fails_with(candidate_at(*range, 2), ErrorCode::internal));
    EXPECT_NE(range->identity(), make_range(list, 1, 4)->identity());
    EXPECT_NE(range->identity(), list->identity());
    EXPECT_EQ(make_range(make_pins(4, 4).unwrap(), 1000, 9000)->description(),
              "8,000 of 4-digit PINs, in the order people choose them, from number 1,000");
}

} // namespace
} // namespace salvage::password
