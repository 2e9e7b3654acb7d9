// Errors as values: how they travel and what they say.
#include <array>
#include <cerrno>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "support/assert_result.hpp"

namespace salvage {
namespace {

using test::fails_with;
using test::is_ok;

Result<int> half_of(int value)
{
    if (value % 2 != 0) {
        return invalid_argument("odd", std::to_string(value));
    }
    return value / 2;
}

Result<int> quarter_of(int value)
{
    const auto half = SALVAGE_TRY(half_of(value).in("halving once"));
    return SALVAGE_TRY(half_of(half).in("halving twice"));
}

Result<> check(int value)
{
    static_cast<void>(SALVAGE_TRY(quarter_of(value)));
    return {};
}

Result<std::unique_ptr<int>> boxed(int value)
{
    auto box = SALVAGE_TRY(Result<std::unique_ptr<int>>{std::make_unique<int>(value)});
    return box;
}

TEST(Results, CarryAValueOrTheFirstError)
{
    EXPECT_EQ(quarter_of(12).value(), 3);
    const auto failed = quarter_of(6);
    ASSERT_TRUE(fails_with(failed, ErrorCode::invalid_argument));
    EXPECT_EQ(failed.error().why, "3");
    EXPECT_EQ(failed.error().trail, (std::vector<std::string>{"halving twice"}));
    EXPECT_TRUE(is_ok(check(4)));
    EXPECT_TRUE(fails_with(check(5), ErrorCode::invalid_argument));
    EXPECT_EQ(quarter_of(8).unwrap(), 2);
    EXPECT_EQ(**boxed(7), 7) << "what can only be moved is moved";
}

TEST(Results, NameEachStepThatFailedInnermostFirst)
{
    const auto result = half_of(1).in("reading the header").in("reading the backup GPT");
    EXPECT_EQ(result.error().trail, (std::vector<std::string>{"reading the header", "reading the backup GPT"}));
}

TEST(Errors, AreLiftedFromAParsersBytesToTheirSource)
{
    const auto lifted = malformed(ByteOffset{4}, "wrong").at("dump.bin", ByteOffset{100});
    EXPECT_EQ(lifted.where, (Location{{{"dump.bin", ByteOffset{104}}}}));
    const auto again = Error{lifted}.at("disk", ByteOffset{5000});
    EXPECT_EQ(again.where, (Location{{{"disk", ByteOffset{5000}}, {"dump.bin", ByteOffset{104}}}}))
        << "the source below comes first";
    const auto placed = not_found("no table").at("dump.bin", ByteOffset{512});
    EXPECT_EQ(placed.where, (Location{{{"dump.bin", ByteOffset{512}}}}));
    const auto result = Result<int>{malformed(ByteOffset{1}, "wrong")}.at("dump.bin", ByteOffset{10});
    EXPECT_EQ(result.error().where->chain.front().at, ByteOffset{11});
    EXPECT_EQ(Result<int>{3}.at("dump.bin", ByteOffset{10}).value(), 3);
}

TEST(Errors, SayWhatWhereWhyAndWhatNext)
{
    const auto error = malformed(ByteOffset{0x24}, "crypto footer has no valid magic", "found 00, expected C4")
                           .at("dump.bin", ByteOffset{0x1000})
                           .in("reading the footer")
                           .with_hint("look elsewhere");
    EXPECT_EQ(to_string(error), "malformed: crypto footer has no valid magic (found 00, expected C4) at dump.bin » "
                                "byte 0x1024 (4132), while reading the footer; look elsewhere");
    const Location chain{{{"dump.bin", ByteOffset{4132}}, {"gpt:metadata", ByteOffset{36}}}};
    EXPECT_EQ(to_string(chain), "dump.bin » gpt:metadata » byte 0x24 (36)");
    EXPECT_EQ(to_string(Location{}), "");
}

TEST(Errors, HaveOneStableWordACode)
{
    std::set<std::string_view> words;
    constexpr auto last = static_cast<int>(ErrorCode::internal);
    for (int code = 0; code <= last; ++code) {
        const auto word = to_string(static_cast<ErrorCode>(code));
        EXPECT_TRUE(words.insert(word).second) << word;
        EXPECT_EQ(word.find_first_not_of("abcdefghijklmnopqrstuvwxyz-"), std::string_view::npos) << word;
    }
}

TEST(Errors, FromTheSystemKeepWhatAProgramMustKnow)
{
    EXPECT_EQ(from_errno(ENOSPC, "writing failed", "/x").code, ErrorCode::no_space);
    EXPECT_EQ(from_errno(EDQUOT, "writing failed", "/x").code, ErrorCode::no_space);
    EXPECT_EQ(from_errno(EEXIST, "making failed", "/x").code, ErrorCode::already_exists);
    const auto error = from_errno(EACCES, "opening failed", "/x");
    EXPECT_EQ(error.code, ErrorCode::io);
    EXPECT_EQ(error.why, "/x: Permission denied");
}

TEST(RunContext, IsRealTimeAndSilenceUnlessToldOtherwise)
{
    const RunContext context;
    EXPECT_FALSE(context.is_stopped());
    const auto before = context.clock->now();
    EXPECT_LE(before, context.clock->now());
    EXPECT_GT(context.clock->wall_time().count(), 1'700'000'000);
    std::array<std::byte, 64> first{};
    std::array<std::byte, 64> second{};
    ASSERT_TRUE(is_ok(context.entropy->fill(first)));
    ASSERT_TRUE(is_ok(context.entropy->fill(second)));
    EXPECT_NE(first, second);
    std::stop_source stopper;
    const RunContext stoppable{.stop = stopper.get_token()};
    stopper.request_stop();
    EXPECT_TRUE(stoppable.is_stopped());
    EXPECT_EQ(cancelled("the search").code, ErrorCode::cancelled);
}

} // namespace
} // namespace salvage
