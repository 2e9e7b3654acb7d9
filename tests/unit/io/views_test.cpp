// What views do beyond the contract that all of them pass (tests/contract).
#include <array>
#include <limits>

#include <gtest/gtest.h>

#include "salvage/io/missing.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"
#include "support/assert_result.hpp"

namespace salvage::io {
namespace {

using test::fails_with;
using test::is_ok;

SourcePtr numbered(std::size_t size, std::string name = "raw")
{
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<std::byte>(i % 251);
    }
    return make_memory(std::move(bytes), std::move(name));
}

ByteRange range(std::uint64_t start, std::uint64_t end)
{
    return ByteRange::between(ByteOffset{start}, ByteOffset{end});
}

TEST(Subrange, IsRefusedBeyondItsSource)
{
    EXPECT_TRUE(fails_with(make_subrange(numbered(100), range(50, 101), "part"), ErrorCode::truncated));
    EXPECT_TRUE(is_ok(make_subrange(numbered(100), range(100, 100), "empty at the end")));
}

TEST(Subrange, ChainsItsNamesDownToTheDump)
{
    const auto outer = make_subrange(numbered(1000, "dump.bin"), range(100, 900), "gpt:userdata");
    ASSERT_TRUE(is_ok(outer));
    const auto inner = make_subrange(*outer, range(50, 60), "footer");
    ASSERT_TRUE(is_ok(inner));
    EXPECT_EQ((*inner)->locate(ByteOffset{3}),
              (Location{{{"dump.bin", ByteOffset{153}}, {"gpt:userdata", ByteOffset{53}}, {"footer", ByteOffset{3}}}}));
}

TEST(Concat, RefusesMoreThanSixtyFourBitsOfBytes)
{
    const auto vast = make_missing(ByteCount{std::numeric_limits<std::uint64_t>::max()}, "vast");
    EXPECT_TRUE(fails_with(make_concat({vast, numbered(1)}, "too much"), ErrorCode::invalid_argument));
}

TEST(Concat, OfNothingIsEmpty)
{
    const auto source = make_concat({}, "nothing");
    ASSERT_TRUE(is_ok(source));
    EXPECT_EQ((*source)->size(), ByteCount{0});
    EXPECT_TRUE(is_ok((*source)->read_at(ByteOffset{0}, {})));
    EXPECT_EQ((*source)->locate(ByteOffset{0}).chain.front().source, "nothing");
}

TEST(Cached, ReadsEachBlockOnce)
{
    ReadCounters counters;
    const auto source = make_cached(make_counting(numbered(10000), counters), ByteCount{512}, 4);
    for (int i = 0; i < 10; ++i) {
        ASSERT_TRUE(is_ok(read_bytes(*source, ByteOffset{100}, ByteCount{1000})));
    }
    EXPECT_EQ(counters.reads, 3U);
    EXPECT_EQ(counters.bytes, 3U * 512U);
}

TEST(Cached, ForgetsWhatWasUsedLeastRecently)
{
    ReadCounters counters;
    const auto source = make_cached(make_counting(numbered(10000), counters), ByteCount{512}, 2);
    const auto touch = [&](std::uint64_t block) {
        ASSERT_TRUE(is_ok(read_bytes(*source, ByteOffset{block * 512}, ByteCount{1})));
    };
    for (const std::uint64_t block : {0U, 1U, 0U, 2U}) { // 1 goes
        touch(block);
    }
    const auto before = counters.reads.load();
    touch(0);
    EXPECT_EQ(counters.reads, before);
    touch(1);
    EXPECT_EQ(counters.reads, before + 1);
}

TEST(Cached, TriesAgainAfterAFailure)
{
    const auto source = make_cached(make_with_bad_areas(numbered(2000), {range(600, 601)}), ByteCount{512}, 4);
    EXPECT_TRUE(fails_with(read_bytes(*source, ByteOffset{600}, ByteCount{1}), ErrorCode::unreadable));
    EXPECT_TRUE(is_ok(read_bytes(*source, ByteOffset{601}, ByteCount{100}))) << "a bad byte costs only itself";
}

TEST(Overlay, ShowsLaterWritesAndLeavesTheSourceAlone)
{
    const auto below = numbered(10000);
    const auto overlay = make_overlay(below, ByteCount{1U << 20U});
    const auto view = overlay->view();
    ASSERT_TRUE(is_ok(overlay->write_at(ByteOffset{4090}, Bytes(12, std::byte{0xEE}))));
    EXPECT_EQ(overlay->overlaid(), ByteCount{8192});
    const auto seen = read_bytes(*view, ByteOffset{4089}, ByteCount{14});
    ASSERT_TRUE(is_ok(seen));
    EXPECT_EQ(to_hex(ByteView{*seen}.subspan(1, 12)), "eeeeeeeeeeeeeeeeeeeeeeee");
    EXPECT_EQ(read_bytes(*below, ByteOffset{4090}, ByteCount{1})->front(), static_cast<std::byte>(4090 % 251));
}

TEST(Overlay, RefusesWritesBeyondTheSourceOrItsLimit)
{
    const auto overlay = make_overlay(numbered(10000), ByteCount{4096});
    EXPECT_TRUE(fails_with(overlay->write_at(ByteOffset{9999}, Bytes(2)), ErrorCode::truncated));
    EXPECT_TRUE(is_ok(overlay->write_at(ByteOffset{10}, Bytes(2))));
    EXPECT_TRUE(is_ok(overlay->write_at(ByteOffset{20}, Bytes(2)))) << "the same block again";
    EXPECT_TRUE(fails_with(overlay->write_at(ByteOffset{5000}, Bytes(2)), ErrorCode::unsupported));
}

TEST(Overlay, MendsABadAreaOnlyWhereAllOfItsBlockIsGiven)
{
    const auto overlay = make_overlay(make_with_bad_areas(numbered(20000), {range(5000, 5001)}), ByteCount{1U << 20U});
    EXPECT_TRUE(fails_with(overlay->write_at(ByteOffset{5000}, Bytes(1)), ErrorCode::unreadable))
        << "its neighbours are not known";
    ASSERT_TRUE(is_ok(overlay->write_at(ByteOffset{4096}, Bytes(4096))));
    const auto extents = overlay->view()->extents(whole(*overlay->view()));
    ASSERT_TRUE(is_ok(extents));
    EXPECT_EQ(*extents, (std::vector<Extent>{{.range = range(0, 20000), .kind = ExtentKind::data}}));
}

TEST(BadAreas, MayOverlapTouchAndReachBeyondTheEnd)
{
    const auto source =
        make_with_bad_areas(numbered(100), {range(90, 500), range(20, 30), range(25, 40), range(40, 41), range(3, 3)});
    const auto extents = source->extents(whole(*source));
    ASSERT_TRUE(is_ok(extents));
    EXPECT_EQ(*extents, (std::vector<Extent>{{.range = range(0, 20), .kind = ExtentKind::data},
                                             {.range = range(20, 41), .kind = ExtentKind::unreadable},
                                             {.range = range(41, 90), .kind = ExtentKind::data},
                                             {.range = range(90, 100), .kind = ExtentKind::unreadable}}));
    EXPECT_EQ(source->size(), ByteCount{100});
}

TEST(BadAreas, LetNothingBeReadInTheirMiddle)
{
    const auto source = make_with_bad_areas(numbered(100), {range(20, 30)});
    EXPECT_TRUE(is_ok(source->read_at(ByteOffset{25}, {}))) << "an empty read asks for no bad byte";
    EXPECT_TRUE(is_ok(read_bytes(*source, ByteOffset{0}, ByteCount{20})));
    EXPECT_TRUE(is_ok(read_bytes(*source, ByteOffset{30}, ByteCount{70})));
    EXPECT_TRUE(fails_with(read_bytes(*source, ByteOffset{29}, ByteCount{1}), ErrorCode::unreadable));
}

TEST(BadAreas, NameTheFirstOfTwoLayers)
{
    const auto source = make_with_bad_areas(make_with_bad_areas(numbered(100), {range(10, 11)}), {range(20, 30)});
    const auto result = read_bytes(*source, ByteOffset{0}, ByteCount{100});
    ASSERT_TRUE(fails_with(result, ErrorCode::unreadable));
    EXPECT_EQ(result.error().where->chain.front().at, ByteOffset{10});
}

TEST(Faulty, FailsOnlyTheReadItWasToldTo)
{
    const auto source = make_faulty(numbered(100), 2);
    EXPECT_TRUE(is_ok(read_bytes(*source, ByteOffset{0}, ByteCount{1})));
    EXPECT_TRUE(fails_with(read_bytes(*source, ByteOffset{0}, ByteCount{1}), ErrorCode::io));
    EXPECT_TRUE(is_ok(read_bytes(*source, ByteOffset{0}, ByteCount{1})));
}

TEST(Reading, RefusesASizeBeforeItAllocates)
{
    const auto source = numbered(100);
    EXPECT_TRUE(fails_with(read_bytes(*source, ByteOffset{1}, ByteCount{std::numeric_limits<std::uint64_t>::max()}),
                           ErrorCode::truncated));
    EXPECT_TRUE(fails_with(read_all(*source, ByteCount{99}), ErrorCode::unsupported));
    const auto rest = read_up_to(*source, ByteOffset{90}, ByteCount{std::numeric_limits<std::uint64_t>::max()});
    ASSERT_TRUE(is_ok(rest));
    EXPECT_EQ(rest->size(), 10U);
    const auto nothing = read_up_to(*source, ByteOffset{5000}, ByteCount{10});
    ASSERT_TRUE(is_ok(nothing));
    EXPECT_TRUE(nothing->empty());
}

TEST(Lifted, PutsAParsersOffsetIntoTheWholeChain)
{
    const auto part = make_subrange(numbered(1000, "dump.bin"), range(100, 200), "metadata");
    ASSERT_TRUE(is_ok(part));
    const auto error = lifted(malformed(ByteOffset{4}, "wrong"), **part, ByteOffset{10});
    EXPECT_EQ(error.where, (Location{{{"dump.bin", ByteOffset{114}}, {"metadata", ByteOffset{14}}}}));
    EXPECT_EQ(lifted(error, *numbered(10, "other")).where, error.where) << "a whole place stays";
    EXPECT_FALSE(lifted(not_found("nothing"), **part).where.has_value());
}

TEST(Merged, JoinsNeighboursAndDropsNothingElse)
{
    EXPECT_TRUE(merged({}).empty());
    EXPECT_EQ(merged({{range(0, 5), ExtentKind::data},
                      {range(5, 5), ExtentKind::hole},
                      {range(5, 9), ExtentKind::data},
                      {range(9, 10), ExtentKind::hole}}),
              (std::vector<Extent>{{range(0, 9), ExtentKind::data}, {range(9, 10), ExtentKind::hole}}));
}

} // namespace
} // namespace salvage::io
