// What every ByteSource must do, source or view.  Include it in one file of a test program and instantiate
// ByteSourceContract with cases; see byte_source_test.cpp.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "salvage/io/byte_source.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"
#include "support/assert_result.hpp"

namespace salvage::test {

/// A source under test and the bytes it must show.
struct ContractSubject {
    io::SourcePtr source;
    Bytes expected;
    std::shared_ptr<void> keep; ///< what must outlive the source: a folder, counters
};

/// How a view lies on a source below: for the tests that bad areas and locations pass through.
struct ContractView {
    Bytes below;                                        ///< what the view is put on
    std::function<io::SourcePtr(io::SourcePtr)> put_on; ///< makes the view
    ByteRange mapped;                                   ///< a range of the view that shows bytes of `below` as they are
    ByteOffset mapped_to;                               ///< where in `below` they are
};

struct ContractCase {
    std::string name;
    std::function<ContractSubject()> make;
    std::optional<ContractView> view; ///< nothing for sources that lie on no other
};

inline void PrintTo(const ContractCase& contract_case,
                    std::ostream* out) // NOLINT(readability-identifier-naming): gtest's
{
    *out << contract_case.name;
}

/// Bytes without a period that a block size could hide.
inline Bytes contract_bytes(std::size_t size, unsigned seed = 1)
{
    std::mt19937 random{seed};
    Bytes out(size);
    for (auto& byte : out) {
        byte = static_cast<std::byte>(random() & 0xFFU);
    }
    return out;
}

class ByteSourceContract : public ::testing::TestWithParam<ContractCase> {
protected:
    void SetUp() override
    {
        subject_ = GetParam().make();
        ASSERT_NE(subject_.source, nullptr);
    }
    [[nodiscard]] const io::ByteSource& source() const { return *subject_.source; }
    [[nodiscard]] const Bytes& expected() const { return subject_.expected; }
    [[nodiscard]] Bytes expected_at(std::uint64_t at, std::size_t count) const
    {
        const auto part = ByteView{expected()}.subspan(static_cast<std::size_t>(at), count);
        return {part.begin(), part.end()};
    }

    /// Ranges at and around the edges that block sizes make, and some by chance.
    [[nodiscard]] std::vector<ByteRange> ranges() const
    {
        const auto size = source().size().value;
        std::vector<ByteRange> out{io::whole(source())};
        const auto add = [&](std::uint64_t at, std::uint64_t count) {
            if (at <= size) {
                out.push_back(ByteRange::between(ByteOffset{at}, ByteOffset{std::min(size, at + count)}));
            }
        };
        for (const std::uint64_t at : {0U, 1U, 511U, 512U, 513U, 4095U, 4096U, 4097U}) {
            for (const std::uint64_t count : {1U, 511U, 512U, 513U, 4096U, 4097U}) {
                add(at, count);
                add(size - std::min(size, at), count);
            }
        }
        std::mt19937_64 random{7};
        for (int i = 0; i < 100; ++i) {
            add(random() % (size + 1), random() % 9000);
        }
        return out;
    }

    ContractSubject subject_;
};

TEST_P(ByteSourceContract, KnowsItsSize)
{
    EXPECT_EQ(source().size().value, expected().size());
}

TEST_P(ByteSourceContract, ReadsExactlyItsBytes)
{
    for (const auto range : ranges()) {
        const auto bytes = io::read_bytes(source(), range.start(), range.size());
        ASSERT_TRUE(is_ok(bytes)) << range.start().value << " + " << range.size().value;
        ASSERT_EQ(*bytes, expected_at(range.start().value, bytes->size()))
            << range.start().value << " + " << bytes->size();
    }
}

TEST_P(ByteSourceContract, ReadsNothingAnywhereEvenAtItsEnd)
{
    EXPECT_TRUE(is_ok(source().read_at(ByteOffset{0}, {})));
    EXPECT_TRUE(is_ok(source().read_at(ByteOffset{expected().size() / 2}, {})));
    EXPECT_TRUE(is_ok(source().read_at(ByteOffset{expected().size()}, {})));
    EXPECT_TRUE(fails_with(source().read_at(ByteOffset{expected().size() + 1}, {}), ErrorCode::truncated));
}

TEST_P(ByteSourceContract, ReadsItsLastByte)
{
    const auto last = expected().size() - 1;
    const auto bytes = io::read_bytes(source(), ByteOffset{last}, ByteCount{1});
    ASSERT_TRUE(is_ok(bytes));
    EXPECT_EQ(bytes->front(), expected().back());
}

TEST_P(ByteSourceContract, RefusesWhatReachesBeyondItsEnd)
{
    std::array<std::byte, 2> two{};
    const auto size = expected().size();
    const auto farthest = std::numeric_limits<std::uint64_t>::max();
    for (const std::uint64_t at :
         {std::uint64_t{size} - 1, std::uint64_t{size}, std::uint64_t{size} + 1, farthest - 1, farthest}) {
        const auto result = source().read_at(ByteOffset{at}, two);
        ASSERT_TRUE(fails_with(result, ErrorCode::truncated)) << at;
        EXPECT_TRUE(result.error().where.has_value()) << at;
    }
}

TEST_P(ByteSourceContract, HasExtentsThatCoverARangeExactlyAndInOrder)
{
    for (const auto range : ranges()) {
        const auto extents = source().extents(range);
        ASSERT_TRUE(is_ok(extents));
        auto at = range.start();
        for (std::size_t i = 0; i < extents->size(); ++i) {
            const auto& extent = extents->at(i);
            ASSERT_EQ(extent.range.start(), at) << "extent " << i;
            ASSERT_FALSE(extent.range.is_empty()) << "extent " << i;
            ASSERT_TRUE(i == 0 || extents->at(i - 1).kind != extent.kind) << "neighbours of one kind at extent " << i;
            at = extent.range.end();
        }
        ASSERT_EQ(at, range.end());
    }
}

TEST_P(ByteSourceContract, HasNoExtentsBeyondItsEnd)
{
    const ByteOffset end{expected().size()};
    EXPECT_TRUE(fails_with(source().extents(ByteRange::between(end, end + ByteCount{1})), ErrorCode::truncated));
    EXPECT_TRUE(
        fails_with(source().extents(ByteRange::between(end + ByteCount{1}, end + ByteCount{1})), ErrorCode::truncated));
}

TEST_P(ByteSourceContract, ReadsItsHolesAsZeros)
{
    const auto extents = source().extents(io::whole(source()));
    ASSERT_TRUE(is_ok(extents));
    for (const auto& extent : *extents) {
        ASSERT_NE(extent.kind, io::ExtentKind::unreadable);
        if (extent.kind == io::ExtentKind::hole) {
            const auto bytes = io::read_bytes(source(), extent.range.start(), extent.range.size());
            ASSERT_TRUE(is_ok(bytes));
            EXPECT_TRUE(is_all_zero(*bytes)) << "hole at " << extent.range.start().value;
        }
    }
}

TEST_P(ByteSourceContract, MayBeReadFromManyThreadsAtOnce)
{
    std::atomic<int> mistakes{0};
    std::vector<std::jthread> threads;
    for (unsigned seed = 0; seed < 4; ++seed) {
        threads.emplace_back([&, seed] {
            std::mt19937_64 random{seed};
            for (int i = 0; i < 200; ++i) {
                const auto at = random() % expected().size();
                const auto count = std::min<std::uint64_t>(expected().size() - at, random() % 5000);
                const auto bytes = io::read_bytes(source(), ByteOffset{at}, ByteCount{count});
                mistakes += bytes.has_value() && *bytes == expected_at(at, bytes->size()) ? 0 : 1;
                mistakes +=
                    source().extents(ByteRange::between(ByteOffset{at}, ByteOffset{at + count})).has_value() ? 0 : 1;
            }
        });
    }
    threads.clear();
    EXPECT_EQ(mistakes, 0);
}

TEST_P(ByteSourceContract, LocatesEveryByteEvenItsEnd)
{
    for (const auto range : ranges()) {
        const auto where = source().locate(range.end());
        ASSERT_FALSE(where.chain.empty());
        for (const auto& place : where.chain) {
            EXPECT_FALSE(place.source.empty());
        }
    }
}

/// What only those must do that lie on another source.
class ByteViewContract : public ByteSourceContract {};

/// The cases for ByteViewContract.
inline std::vector<ContractCase> views_of(std::vector<ContractCase> cases)
{
    std::erase_if(cases, [](const ContractCase& each) { return !each.view; });
    return cases;
}

TEST_P(ByteViewContract, LocatesDownToTheRawByte)
{
    const auto& view = GetParam().view;
    ASSERT_TRUE(view) << "instantiate ByteViewContract with views_of(cases)";
    const auto source = view->put_on(io::make_memory(view->below, "raw.bin"));
    for (const auto within : {std::uint64_t{0}, view->mapped.size().value / 2, view->mapped.size().value - 1}) {
        const auto where = source->locate(view->mapped.start() + ByteCount{within});
        ASSERT_FALSE(where.chain.empty());
        EXPECT_EQ(where.chain.front(), (Place{.source = "raw.bin", .at = view->mapped_to + ByteCount{within}}));
        EXPECT_TRUE(where.chain.size() == 1 || where.chain.back().at == view->mapped.start() + ByteCount{within});
    }
}

TEST_P(ByteViewContract, LetsBadAreasThroughAndReadsAroundThem)
{
    const auto& view = GetParam().view;
    ASSERT_TRUE(view) << "instantiate ByteViewContract with views_of(cases)";
    // Three bad bytes inside the mapped range, not aligned to anything.
    const auto within = view->mapped.size().value / 2 + 1;
    const auto bad_below =
        ByteRange::between(view->mapped_to + ByteCount{within}, view->mapped_to + ByteCount{within + 3});
    const auto bad =
        ByteRange::between(view->mapped.start() + ByteCount{within}, view->mapped.start() + ByteCount{within + 3});
    const auto source = view->put_on(io::make_with_bad_areas(io::make_memory(view->below, "raw.bin"), {bad_below}));

    const auto extents = source->extents(view->mapped);
    ASSERT_TRUE(is_ok(extents));
    EXPECT_EQ(std::ranges::count(*extents, io::Extent{.range = bad, .kind = io::ExtentKind::unreadable}), 1);

    const auto failed = io::read_bytes(*source, view->mapped.start(), view->mapped.size());
    ASSERT_TRUE(fails_with(failed, ErrorCode::unreadable));
    ASSERT_TRUE(failed.error().where.has_value());
    EXPECT_EQ(failed.error().where->chain.front().at, bad_below.start()) << "the first bad byte is named";

    const auto before = ByteRange::between(view->mapped.start(), bad.start());
    const auto after = ByteRange::between(bad.end(), view->mapped.end());
    for (const auto good : {before, after}) {
        const auto bytes = io::read_bytes(*source, good.start(), good.size());
        ASSERT_TRUE(is_ok(bytes));
        EXPECT_EQ(*bytes, expected_at(good.start().value, bytes->size()));
    }
}

/// For INSTANTIATE_TEST_SUITE_P.
inline std::string contract_name(const ::testing::TestParamInfo<ContractCase>& info)
{
    return info.param.name;
}

} // namespace salvage::test
