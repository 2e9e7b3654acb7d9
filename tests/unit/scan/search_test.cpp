// The search on several cores finds what the one pass finds, wherever the source is cut.
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <stop_token>

#include "one_pass_support.hpp"
#include "support/assert_result.hpp"

namespace salvage::scan {
namespace {

using test::Awkward;
using test::bytes_of;
using test::is_ok;
using test::pattern_of;
using test::plant;
using test::random_bytes;
using test::range_of;

constexpr std::size_t mib = std::size_t{1} << 20U;

/// Every number that progress told.
class Told final : public Progress {
public:
    void update(const ProgressUpdate& update) override
    {
        const std::scoped_lock lock{mutex_};
        done.push_back(update.done);
    }
    std::vector<std::uint64_t> done;

private:
    std::mutex mutex_;
};

/// Pattern and byte are counted from what the one pass says, which its own tests hold against the naive search.
void expect_as_scan(const io::ByteSource& source, const std::vector<Pattern>& patterns, std::uint64_t max = 100'000)
{
    const auto expected =
        scan(source, {.patterns = patterns, .with_sha256 = false, .max_hits_per_pattern = max, .range = {}}, {});
    const auto found = search(source, {.patterns = patterns, .max_hits_per_pattern = max}, {});
    ASSERT_TRUE(is_ok(expected));
    ASSERT_TRUE(is_ok(found));
    EXPECT_EQ(found->hits, expected->hits);
    EXPECT_EQ(found->hit_counts, expected->hit_counts);
    EXPECT_EQ(found->unreadable_bytes, expected->unreadable_bytes);
}

TEST(Search, FindsEveryHitOnceAtAndAcrossEveryCut)
{
    auto bytes = random_bytes((9 * mib) + 777, 1);
    std::vector<Hit> planted;
    for (std::size_t cut = mib; cut < bytes.size(); cut += mib) {
        const auto at = cut - (cut / mib); // 1 to 8 of its bytes lie before the cut
        plant(bytes, at, bytes_of("needle!!!"));
        planted.push_back({.at = ByteOffset{at}});
    }
    plant(bytes, bytes.size() - 9, bytes_of("needle!!!"));
    planted.push_back({.at = ByteOffset{bytes.size() - 9}});
    const auto source = io::make_memory(std::move(bytes), "m");
    const auto found = search(*source, {.patterns = {pattern_of("needle!!!")}}, {});
    ASSERT_TRUE(is_ok(found));
    EXPECT_EQ(found->hits, planted);
}

TEST(Search, AgreesWithTheOnePassOverHolesAndBadSectors)
{
    for (unsigned seed = 0; seed < 16; ++seed) {
        std::mt19937_64 random{seed};
        auto bytes = random_bytes((mib * (1 + (random() % 6))) + (random() % 5000), seed, 3);
        std::vector<ByteRange> holes;
        for (std::uint64_t at = random() % mib; at + 4096 < bytes.size(); at += 4096 + (random() % mib)) {
            const auto end = std::min<std::uint64_t>(bytes.size(), at + 1 + (random() % (mib / 2)));
            std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.begin() + static_cast<std::ptrdiff_t>(end),
                      std::byte{0});
            holes.push_back(range_of(at, end));
            at = end;
        }
        std::vector<ByteRange> bad;
        for (std::uint64_t at = 512 * (random() % 3000); at + 512 < bytes.size();
             at += 512 * (3000 + (random() % 999))) {
            const auto sector = range_of(at, at + 512);
            if (std::ranges::none_of(holes, [&](const auto& hole) { return hole.overlaps(sector); })) {
                bad.push_back(sector);
            }
        }
        Awkward awkward{std::move(bytes)};
        awkward.holes = holes;
        awkward.unknown_bad = bad;
        std::vector<Pattern> patterns;
        for (const auto length : {5U, 9U, 13U}) {
            patterns.push_back({.name = "some", .bytes = random_bytes(length, random(), 3)});
        }
        patterns.push_back({.name = "ends in zeros",
                            .bytes = {std::byte{1}, std::byte{2}, std::byte{0}, std::byte{0}, std::byte{0},
                                      std::byte{0}, std::byte{0}}});
        patterns.push_back({.name = "begins in zeros",
                            .bytes = {std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0},
                                      std::byte{0}, std::byte{2}}});
        SCOPED_TRACE(seed);
        expect_as_scan(awkward, patterns);
        expect_as_scan(awkward, patterns, 3);
        if (seed % 8 == 0) {
            patterns.push_back({.name = "zeros", .bytes = Bytes(600), .alignment = 512});
            expect_as_scan(awkward, patterns);
        }
    }
}

TEST(Search, DoesNotReadHolesAndWhatIsKnownToBeBad)
{
    io::ReadCounters counters;
    Awkward memory{Bytes(64 * mib, std::byte{'x'})};
    memory.holes = {range_of(mib, 60 * mib)};
    const auto source = io::make_with_bad_areas(
        io::make_counting(std::shared_ptr<const io::ByteSource>{&memory, [](const auto* /*borrowed*/) {}}, counters),
        {range_of(61 * mib, 63 * mib)});
    const auto found = search(*source, {.patterns = {pattern_of("needle")}}, {});
    ASSERT_TRUE(is_ok(found));
    EXPECT_EQ(found->unreadable_bytes.value, 2 * mib);
    EXPECT_LT(counters.bytes.load(), (3 * mib) + 4096);
    EXPECT_GE(counters.bytes.load(), 3 * mib);
}

/// Sectors of data and holes in turn, a million of them.
class Chequered final : public io::ByteSource {
public:
    [[nodiscard]] ByteCount size() const noexcept override { return ByteCount{sectors * sector}; }
    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        for (std::size_t i = 0; i < into.size(); ++i) {
            into[i] = is_hole((at.value + i) / sector) ? std::byte{0} : std::byte{'x'};
        }
        return {};
    }
    [[nodiscard]] Result<std::vector<io::Extent>> extents(ByteRange range) const override
    {
        std::vector<io::Extent> out;
        for (auto at = range.start().value; at < range.end().value;) {
            const auto end = std::min(range.end().value, ((at / sector) + 1) * sector);
            out.push_back({.range = range_of(at, end),
                           .kind = is_hole(at / sector) ? io::ExtentKind::hole : io::ExtentKind::data});
            at = end;
        }
        return out;
    }
    [[nodiscard]] Location locate(ByteOffset /*at*/) const override { return {}; }

private:
    static bool is_hole(std::uint64_t number) { return number % 2 == 1; }
    static constexpr std::uint64_t sector = 512;
    static constexpr std::uint64_t sectors = 1'000'000;
};

TEST(Search, TakesNoLongerForEachExtentWhereThereAreMany)
{
    const Chequered source; // with a look at all others for each, this would take minutes
    const auto found = search(source, {.patterns = {pattern_of("xxxx")}, .max_hits_per_pattern = 1}, {});
    ASSERT_TRUE(is_ok(found));
    EXPECT_EQ(found->hit_counts.front(), 500'000U * (512 - 3));
}

TEST(Search, FindsNothingWhereNothingIsAskedFor)
{
    const auto source = io::make_memory(random_bytes(4096, 3), "m");
    const auto found = search(*source, {}, {});
    ASSERT_TRUE(is_ok(found));
    EXPECT_TRUE(found->hits.empty());
    EXPECT_TRUE(test::fails_with(search(*source, {.patterns = {{.name = "none", .bytes = {}}}}, {}),
                                 ErrorCode::invalid_argument));
}

TEST(Search, StopsWhenTold)
{
    std::stop_source stop;
    Awkward source{Bytes(16 * mib, std::byte{'x'})};
    source.at_read = [&] { stop.request_stop(); };
    const auto found = search(source, {.patterns = {pattern_of("needle")}}, {.stop = stop.get_token()});
    EXPECT_TRUE(test::fails_with(found, ErrorCode::cancelled));
    EXPECT_LE(source.reads.load(), 4U);
}

TEST(Search, TellsProgressThatOnlyGrowsAndEndsWhole)
{
    Told told;
    const auto source = io::make_memory(Bytes(40 * mib, std::byte{'x'}), "m");
    ASSERT_TRUE(is_ok(search(*source, {.patterns = {pattern_of("needle")}}, {.progress = &told})));
    EXPECT_TRUE(std::ranges::is_sorted(told.done));
    EXPECT_EQ(told.done.front(), 0U);
    EXPECT_EQ(told.done.back(), 40 * mib);
    EXPECT_GT(told.done.size(), 5U);
}

} // namespace
} // namespace salvage::scan
