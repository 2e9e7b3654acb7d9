// The one pass while it runs: stopped, watched, and failing.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <stop_token>

#include <gtest/gtest.h>

#include "one_pass_support.hpp"
#include "support/assert_result.hpp"

namespace salvage::scan {
namespace {

using io::ExtentKind;
using test::Awkward;
using test::fails_with;
using test::is_ok;
using test::looking_for;
using test::random_bytes;
using test::read_bytes;

TEST(Scan, StopsWhenAskedTo)
{
    std::stop_source stop;
    Awkward source{Bytes(8 * read_bytes)};
    source.at_read = [&] {
        if (source.reads == 3) {
            stop.request_stop();
        }
    };
    RunContext context;
    context.stop = stop.get_token();
    EXPECT_TRUE(fails_with(scan(source, {}, context), ErrorCode::cancelled));
    EXPECT_EQ(source.reads.load(), 3U);
}

TEST(Scan, StopsAmidAVastHoleWithinFiftyMilliseconds)
{
    class Hole final : public io::ByteSource {
    public:
        [[nodiscard]] ByteCount size() const noexcept override { return ByteCount{1ULL << 50U}; }
        Result<> read_at(ByteOffset /*at*/, std::span<std::byte> /*into*/) const override { return {}; }
        [[nodiscard]] Location locate(ByteOffset /*at*/) const override { return {}; }
        Result<std::vector<io::Extent>> extents(ByteRange range) const override
        {
            return std::vector<io::Extent>{{.range = range, .kind = ExtentKind::hole}};
        }
    };
    std::stop_source stop;
    RunContext context;
    context.stop = stop.get_token();
    std::atomic<std::int64_t> asked_at{0};
    const auto now = [] { return std::chrono::steady_clock::now().time_since_epoch().count(); };
    class Asking final : public Progress {
    public:
        explicit Asking(std::function<void()> act) : act_{std::move(act)} {}
        void update(const ProgressUpdate& update) override
        {
            if (update.done > 32U << 20U) {
                act_();
            }
        }

    private:
        std::function<void()> act_;
    } asking{[&] {
        if (asked_at == 0) {
            asked_at = now();
            stop.request_stop();
        }
    }};
    context.progress = &asking;
    EXPECT_TRUE(fails_with(scan(Hole{}, {}, context), ErrorCode::cancelled));
    EXPECT_LT(now() - asked_at, 50'000'000) << "nanoseconds";
}

TEST(Scan, TellsItsProgressInOrderUpToTheEnd)
{
    class Noting final : public Progress {
    public:
        void update(const ProgressUpdate& update) override
        {
            EXPECT_EQ(update.step, "scan");
            EXPECT_EQ(update.unit, "bytes");
            done.push_back(update.done);
            total = update.total;
        }
        std::vector<std::uint64_t> done;
        std::optional<std::uint64_t> total;
    } noting;
    RunContext context;
    context.progress = &noting;
    constexpr std::uint64_t size = 20U << 20U;
    ASSERT_TRUE(is_ok(scan(*io::make_memory(Bytes(size), "m"), {}, context)));
    EXPECT_TRUE(std::ranges::is_sorted(noting.done));
    EXPECT_GE(noting.done.size(), 4U);
    EXPECT_EQ(noting.done.back(), size);
    EXPECT_EQ(noting.total, size);
}

TEST(Scan, FailsWellHoweverManyReadsWentWell)
{
    const auto bytes = random_bytes((6 * read_bytes) + 9, 18);
    const auto memory = io::make_memory(bytes, "m");
    for (std::uint64_t n = 1; n <= 7; ++n) {
        const auto result = scan(*io::make_faulty(memory, n), looking_for(default_patterns()), {});
        EXPECT_TRUE(fails_with(result, ErrorCode::io)) << "read " << n;
        EXPECT_TRUE(result.error().where.has_value());
    }
    EXPECT_TRUE(is_ok(scan(*io::make_faulty(memory, 8), looking_for(default_patterns()), {})));
}

} // namespace
} // namespace salvage::scan
