// The one pass: hash, hits, entropy, zeros, holes, bad areas, and being stopped.
#include "salvage/scan/scan.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <atomic>
#include <cmath>
#include <map>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"
#include "unit/scan/scan_support.hpp"

namespace salvage::scan {
namespace {

using io::ExtentKind;
using test::bytes_of;
using test::fails_with;
using test::is_ok;
using test::naive_hits;
using test::plant;
using test::random_bytes;

/// What one read asks for; hits may lie across its edges.
constexpr std::size_t read_bytes = std::size_t{256} << 10U;

std::array<std::byte, 32> openssl_sha256(ByteView bytes)
{
    std::array<std::byte, 32> out{};
    unsigned int written = 0;
    EVP_Digest(bytes.data(), bytes.size(), as_uchar(std::span<std::byte>{out}), &written, EVP_sha256(), nullptr);
    return out;
}

ScanOptions looking_for(std::vector<Pattern> patterns)
{
    return {.patterns = std::move(patterns)};
}

Pattern pattern_of(std::string_view text)
{
    return {.name = std::string{text}, .bytes = bytes_of(text)};
}

ByteRange range_of(std::uint64_t start, std::uint64_t end)
{
    return ByteRange::between(ByteOffset{start}, ByteOffset{end});
}

/// Memory with holes, and sectors that fail to be read; counts reads.
class Awkward final : public io::ByteSource {
public:
    explicit Awkward(Bytes bytes) : memory_{io::make_memory(std::move(bytes), "awkward")} {}

    std::vector<ByteRange> holes;       ///< sorted
    std::vector<ByteRange> unknown_bad; ///< not told by extents()
    mutable std::atomic<std::uint64_t> reads{0};
    mutable std::atomic<std::uint64_t> failed{0};
    std::function<void()> at_read{};

    [[nodiscard]] ByteCount size() const noexcept override { return memory_->size(); }
    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        ++reads;
        if (at_read) {
            at_read();
        }
        const auto wanted = ByteRange::between(at, at + ByteCount{into.size()});
        for (const auto& bad : unknown_bad) {
            if (bad.overlaps(wanted)) {
                ++failed;
                std::ranges::fill(into, std::byte{0xEE}); // what a failed read leaves is unspecified
                return io::unreadable_at(*this, std::max(at, bad.start()));
            }
        }
        return memory_->read_at(at, into);
    }
    Result<std::vector<io::Extent>> extents(ByteRange range) const override
    {
        std::vector<io::Extent> out;
        auto at = range.start();
        for (const auto& hole : holes) {
            const auto cut = hole.intersection(range);
            if (!cut.is_empty()) {
                out.push_back({.range = ByteRange::between(at, cut.start()), .kind = ExtentKind::data});
                out.push_back({.range = cut, .kind = ExtentKind::hole});
                at = cut.end();
            }
        }
        out.push_back({.range = ByteRange::between(at, range.end()), .kind = ExtentKind::data});
        return io::merged(std::move(out));
    }
    [[nodiscard]] Location locate(ByteOffset at) const override { return memory_->locate(at); }

private:
    io::SourcePtr memory_;
};

TEST(Scan, HashesAsOpenSslDoesAtEverySize)
{
    const auto all = random_bytes((5 * read_bytes) + 1, 1);
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{511}, std::size_t{512},
                                   std::size_t{4097}, read_bytes - 1, read_bytes, read_bytes + 1, all.size()}) {
        const auto bytes = ByteView{all}.first(size);
        const auto source = io::make_memory({bytes.begin(), bytes.end()}, "m");
        const auto result = scan(*source, {}, {});
        ASSERT_TRUE(is_ok(result));
        EXPECT_EQ(result->sha256, openssl_sha256(bytes)) << size;
        EXPECT_EQ(result->blocks.size(), (size + (1U << 20U) - 1) >> 20U);
    }
}

TEST(Scan, FindsPatternsAcrossTheEdgesOfReads)
{
    const std::vector patterns{pattern_of("aes-cbc-essiv:sha256"), pattern_of("aes-cbc"), pattern_of("Z"),
                               pattern_of("56")};
    for (std::size_t before = 0; before <= 21; ++before) {
        auto bytes = random_bytes((3 * read_bytes) + 100, before + 2);
        plant(bytes, read_bytes - before, patterns.front().bytes);
        plant(bytes, (2 * read_bytes) - before, patterns.front().bytes);
        const auto source = io::make_memory(bytes, "m");
        const auto many = scan(*source, looking_for(patterns), {});
        ASSERT_TRUE(is_ok(many));
        EXPECT_EQ(many->hits, naive_hits(bytes, patterns)) << before;
        const auto one = scan(*source, looking_for({patterns.front()}), {});
        EXPECT_EQ(one->hits.size(), 2U) << before;
    }
}

TEST(Scan, FindsALongPatternAcrossManyShortExtents)
{
    auto bytes = random_bytes(100'000, 3);
    Awkward source{bytes};
    // Holes of one sector among data of one sector: what is carried over is longer than either.
    auto with_holes = bytes;
    for (std::uint64_t at = 512; at + 512 <= bytes.size(); at += 1024) {
        source.holes.push_back(range_of(at, at + 512));
        std::ranges::fill_n(with_holes.begin() + static_cast<std::ptrdiff_t>(at), 512, std::byte{0});
    }
    const auto piece = ByteView{with_holes}.subspan(10'001, 4096);
    const std::vector patterns{Pattern{.name = "long", .bytes = {piece.begin(), piece.end()}},
                               Pattern{.name = "edge", .bytes = {piece.end() - 300, piece.end()}}};
    Awkward zeroed{with_holes};
    zeroed.holes = source.holes;
    const auto result = scan(zeroed, looking_for(patterns), {});
    ASSERT_TRUE(is_ok(result));
    EXPECT_EQ(result->hits, naive_hits(with_holes, patterns));
    EXPECT_EQ(result->hits.size(), 2U);
    EXPECT_EQ(result->sha256, openssl_sha256(with_holes));
}

TEST(Scan, FindsPatternsThatReachIntoAndOutOfHoles)
{
    Bytes bytes(3 * read_bytes, std::byte{0});
    const auto hole_start = std::size_t{70'000};
    const auto hole_end = (2 * read_bytes) + 4321;
    plant(bytes, 0, random_bytes(hole_start, 4));
    plant(bytes, hole_end, random_bytes(bytes.size() - hole_end, 5));
    const auto cut = [&](std::size_t from, std::size_t to) {
        return Bytes{bytes.begin() + static_cast<std::ptrdiff_t>(from),
                     bytes.begin() + static_cast<std::ptrdiff_t>(to)};
    };
    const std::vector patterns{Pattern{.name = "into", .bytes = cut(hole_start - 3, hole_start + 200)},
                               Pattern{.name = "out", .bytes = cut(hole_end - 200, hole_end + 3)}};
    Awkward source{bytes};
    source.holes.push_back(range_of(hole_start, hole_end));
    const auto result = scan(source, looking_for(patterns), {});
    ASSERT_TRUE(is_ok(result));
    EXPECT_EQ(result->hits, (std::vector<Hit>{{.at = ByteOffset{hole_start - 3}, .pattern = 0},
                                              {.at = ByteOffset{hole_end - 200}, .pattern = 1}}));
    EXPECT_EQ(result->sha256, openssl_sha256(bytes));
}

TEST(Scan, FindsZerosInHolesToo)
{
    Bytes bytes(2 * read_bytes, std::byte{7});
    std::ranges::fill_n(bytes.begin() + 1000, read_bytes + 5, std::byte{0});
    const std::vector patterns{Pattern{.name = "zeros", .bytes = Bytes(9)},
                               Pattern{.name = "sector", .bytes = Bytes(512), .alignment = 512}};
    Awkward source{bytes};
    source.holes.push_back(range_of(1000, 1000 + read_bytes + 5));
    auto options = looking_for(patterns);
    options.max_hits_per_pattern = 1'000'000;
    const auto result = scan(source, options, {});
    ASSERT_TRUE(is_ok(result));
    EXPECT_EQ(result->hits, naive_hits(bytes, patterns));
}

TEST(Scan, ReadsNoHoles)
{
    const std::uint64_t size = 64ULL << 20U;
    Awkward source{Bytes(size)};
    source.holes.push_back(range_of(0, size));
    const auto result = scan(source, looking_for(default_patterns()), {});
    ASSERT_TRUE(is_ok(result));
    EXPECT_EQ(source.reads.load(), 0U);
    EXPECT_EQ(result->sha256, openssl_sha256(Bytes(size)));
    EXPECT_EQ(result->zero_bytes.value, size);
    EXPECT_EQ(result->extents, (std::vector<io::Extent>{{.range = range_of(0, size), .kind = ExtentKind::hole}}));
    EXPECT_TRUE(std::ranges::all_of(result->blocks, [](const auto& b) { return b.is_zero && b.entropy == 0; }));
}

TEST(Scan, SeesTheHolesOfASparseFile)
{
    const test::TemporaryFolder folder;
    const auto path = folder.write("sparse", random_bytes(1U << 20U, 6));
    ASSERT_EQ(::truncate(path.c_str(), 8U << 20U), 0);
    const auto result = scan(*io::open_file(path).unwrap(), {}, {});
    ASSERT_TRUE(is_ok(result));
    auto expected = random_bytes(1U << 20U, 6);
    expected.resize(8U << 20U);
    EXPECT_EQ(result->sha256, openssl_sha256(expected));
    EXPECT_EQ(result->zero_bytes.value, 7U << 20U);
    const auto said = test::run_command("sha256sum '" + path.string() + "'");
    ASSERT_TRUE(said.has_value());
    EXPECT_EQ(said->substr(0, 64), to_hex(*result->sha256));
}

TEST(Scan, CountsZeroBlocksAndHolesOnce)
{
    constexpr std::uint64_t block = 1U << 20U;
    Bytes bytes(5 * block, std::byte{1});
    std::ranges::fill_n(bytes.begin() + block, block, std::byte{0});         // a whole block
    std::ranges::fill_n(bytes.begin() + 2 * block, block - 1, std::byte{0}); // all but one byte
    std::ranges::fill_n(bytes.begin() + 3 * block, block / 2, std::byte{0}); // half of it a hole
    Awkward source{bytes};
    source.holes.push_back(range_of(3 * block, 3 * block + block / 2));
    const auto result = scan(source, {}, {});
    ASSERT_TRUE(is_ok(result));
    EXPECT_EQ(result->zero_bytes.value, block + block / 2);
    std::vector<bool> zero;
    for (const auto& summary : result->blocks) {
        zero.push_back(summary.is_zero);
    }
    EXPECT_EQ(zero, (std::vector<bool>{false, true, false, false, false}));
}

TEST(Scan, MapsUnreadableSectorsExactly)
{
    const auto bytes = random_bytes((4 * read_bytes) + 300, 7);
    Awkward source{bytes};
    source.unknown_bad = {range_of(512 * 3, 512 * 4), range_of(read_bytes - 512, read_bytes + 1024),
                          range_of(4 * read_bytes, (4 * read_bytes) + 300)};
    const auto result = scan(source, {}, {});
    ASSERT_TRUE(is_ok(result));
    std::vector<ByteRange> bad;
    for (const auto& extent : result->extents) {
        if (extent.kind == ExtentKind::unreadable) {
            bad.push_back(extent.range);
        }
    }
    EXPECT_EQ(bad, source.unknown_bad);
    EXPECT_EQ(result->unreadable_bytes.value, 512U + 1536U + 300U);
    EXPECT_FALSE(result->sha256.has_value()) << "a digest of what was not read";
    EXPECT_EQ(result->blocks.at(0).is_unreadable, true);
    EXPECT_GT(result->blocks.at(0).entropy, 7.9F) << "the rest of the block was read";
    EXPECT_EQ(result->blocks.at(1).is_unreadable, true);
    EXPECT_LT(result->blocks.at(1).entropy, 0) << "all of the last block failed";
}

TEST(Scan, BadAreasThatStartAmidASectorCostTheWholeSector)
{
    Awkward source{random_bytes(8192, 8)};
    source.unknown_bad = {range_of(1000, 1001)};
    const auto result = scan(source, {}, {});
    ASSERT_TRUE(is_ok(result));
    ASSERT_EQ(result->extents.size(), 3U);
    EXPECT_EQ(result->extents.at(1).range, range_of(512, 1024));
}

TEST(Scan, AsksABadSectorForAsManyTimesAsItIsHalved)
{
    Awkward source{random_bytes(read_bytes, 9)};
    source.unknown_bad = {range_of(51'200, 51'712)};
    ASSERT_TRUE(is_ok(scan(source, {}, {})));
    EXPECT_EQ(source.failed.load(), 10U) << "256 KiB are halved nine times on the way to 512 bytes";
}

TEST(Scan, GivesUpHalvingWhereEverythingFails)
{
    constexpr std::uint64_t size = 64U << 20U;
    Awkward source{Bytes(size)};
    source.unknown_bad = {range_of(0, size)};
    const auto result = scan(source, {}, {});
    ASSERT_TRUE(is_ok(result));
    EXPECT_EQ(result->unreadable_bytes.value, size);
    EXPECT_LT(source.reads.load(), 66'000U) << "131072 sectors would have been asked for one by one";
}

TEST(Scan, FindsNoPatternAcrossABadArea)
{
    Bytes bytes(4096, std::byte{'x'});
    plant(bytes, 1020, bytes_of("needle!!")); // 4 bytes before and behind the start of a bad sector
    plant(bytes, 1532, bytes_of("needle!!")); // and across its end
    plant(bytes, 100, bytes_of("needle!!"));
    plant(bytes, 1536, bytes_of("needle!!"));
    Awkward source{bytes};
    source.unknown_bad = {range_of(1024, 1536)};
    const auto result = scan(source, looking_for({pattern_of("needle!!")}), {});
    ASSERT_TRUE(is_ok(result));
    EXPECT_EQ(result->hits, (std::vector<Hit>{{.at = ByteOffset{100}}, {.at = ByteOffset{1536}}}));
}

TEST(Scan, DoesNotReadWhatIsKnownToBeBad)
{
    io::ReadCounters counters;
    const auto inner = io::make_counting(io::make_memory(random_bytes(100'000, 10), "m"), counters);
    const auto source = io::make_with_bad_areas(inner, {range_of(10'000, 90'000)});
    const auto result = scan(*source, {}, {});
    ASSERT_TRUE(is_ok(result));
    EXPECT_EQ(counters.bytes.load(), 20'000U);
    EXPECT_EQ(result->unreadable_bytes.value, 80'000U);
    EXPECT_FALSE(result->sha256.has_value());
}

TEST(Scan, LooksAtTheWantedRangeOnly)
{
    const auto bytes = random_bytes(2 * read_bytes, 11, 8);
    const auto source = io::make_memory(bytes, "m");
    const std::vector patterns{Pattern{.name = "two", .bytes = {std::byte{1}, std::byte{2}, std::byte{3}}}};
    const std::size_t start = 12'345;
    const std::size_t end = read_bytes + 777;
    auto options = looking_for(patterns);
    options.range = range_of(start, end);
    options.block = ByteCount{65536};
    const auto result = scan(*source, options, {});
    ASSERT_TRUE(is_ok(result));
    const auto part = ByteView{bytes}.subspan(start, end - start);
    EXPECT_EQ(result->hits, naive_hits(part, patterns, start));
    EXPECT_EQ(result->sha256, openssl_sha256(part));
    EXPECT_EQ(result->blocks.size(), (end - start + 65535) / 65536);
    EXPECT_EQ(result->range, range_of(start, end));
}

TEST(Scan, RefusesARangeBeyondTheEndAndABlockOfNothing)
{
    const auto source = io::make_memory(Bytes(1000), "m");
    EXPECT_TRUE(fails_with(scan(*source, {.range = range_of(500, 1001)}, {}), ErrorCode::truncated));
    EXPECT_TRUE(fails_with(scan(*source, {.block = ByteCount{0}}, {}), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(scan(*source, looking_for({Pattern{}}), {}), ErrorCode::invalid_argument));
}

TEST(Scan, KeepsSoManyHitsOfAPatternAndCountsTheRest)
{
    Bytes bytes(read_bytes + 10, std::byte{'a'});
    plant(bytes, 1000, bytes_of("b"));
    auto options = looking_for({pattern_of("a"), pattern_of("b")});
    options.max_hits_per_pattern = 5;
    const auto result = scan(*io::make_memory(bytes, "m"), options, {});
    ASSERT_TRUE(is_ok(result));
    EXPECT_EQ(result->hit_counts, (std::vector<std::uint64_t>{read_bytes + 9, 1}));
    ASSERT_EQ(result->hits.size(), 6U);
    EXPECT_EQ(result->hits.at(4).at.value, 4U) << "the first ones are kept";
    EXPECT_EQ(result->hits.at(5).at.value, 1000U);
}

TEST(Scan, MeasuresTheEntropyOfKnownDistributions)
{
    constexpr std::size_t block = 1U << 20U;
    Bytes bytes(5 * block, std::byte{0});
    plant(bytes, block, random_bytes(block, 12));
    plant(bytes, 2 * block, random_bytes(block, 13, 2));
    plant(bytes, 3 * block, random_bytes(block, 14, 16));
    // Half zeros, a quarter ones, an eighth each twos and threes: 1.75 bits.
    std::mt19937_64 random{15};
    for (std::size_t i = 4 * block; i < bytes.size(); ++i) {
        const auto draw = random() % 8;
        bytes.at(i) = static_cast<std::byte>(draw < 4 ? 0 : draw < 6 ? 1 : draw - 4);
    }
    const auto result = scan(*io::make_memory(bytes, "m"), {}, {});
    ASSERT_TRUE(is_ok(result));
    ASSERT_EQ(result->blocks.size(), 5U);
    EXPECT_EQ(result->blocks.at(0).entropy, 0);
    EXPECT_NEAR(result->blocks.at(1).entropy, 8, 0.01);
    EXPECT_NEAR(result->blocks.at(2).entropy, 1, 0.01);
    EXPECT_NEAR(result->blocks.at(3).entropy, 4, 0.01);
    EXPECT_NEAR(result->blocks.at(4).entropy, 1.75, 0.01);
}

TEST(Scan, SamplesABlockEvenlyWhateverItsSize)
{
    // The first half of each block is random, the second zero: h(1/2) + 1/2 * 8 bits = 5 bits.
    for (const std::size_t block : {std::size_t{65536}, std::size_t{1} << 20U, std::size_t{3} << 20U}) {
        Bytes bytes(2 * block, std::byte{0});
        plant(bytes, 0, random_bytes(block / 2, 16));
        plant(bytes, block, random_bytes(block / 2, 17));
        const auto result = scan(*io::make_memory(bytes, "m"), {.block = ByteCount{block}}, {});
        ASSERT_TRUE(is_ok(result));
        ASSERT_EQ(result->blocks.size(), 2U);
        for (const auto& summary : result->blocks) {
            EXPECT_NEAR(summary.entropy, 5, 0.05) << block;
        }
    }
}

TEST(Scan, TellsNoEntropyWhereNoneWasAskedFor)
{
    const auto result = scan(*io::make_memory(random_bytes(100, 1), "m"), {.with_entropy = false}, {});
    ASSERT_TRUE(is_ok(result));
    EXPECT_LT(result->blocks.at(0).entropy, 0);
    EXPECT_FALSE(result->blocks.at(0).is_zero);
}

TEST(Scan, TakesABlockSizeThatItCanHold)
{
    // A file of 8 EiB that takes no room: the map of its blocks must not grow with it.
    class Vast final : public io::ByteSource {
    public:
        [[nodiscard]] ByteCount size() const noexcept override { return ByteCount{1ULL << 62U}; }
        Result<> read_at(ByteOffset /*at*/, std::span<std::byte> /*into*/) const override { return {}; }
        [[nodiscard]] Location locate(ByteOffset /*at*/) const override { return {}; }
        Result<std::vector<io::Extent>> extents(ByteRange /*range*/) const override
        {
            return Error{ErrorCode::io, "enough was seen", {}, {}, {}, {}};
        }
    };
    EXPECT_TRUE(fails_with(scan(Vast{}, {}, {}), ErrorCode::io));
    const auto small = scan(*io::make_memory(Bytes(3U << 20U), "m"), {.block = ByteCount{1}}, {});
    ASSERT_TRUE(is_ok(small));
    EXPECT_EQ(small->block.value, 4U);
    EXPECT_EQ(small->blocks.size(), (3U << 20U) / 4);
}

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

TEST(Scan, RunsFromManyThreadsAtOnce)
{
    const auto bytes = random_bytes(3 * read_bytes, 19);
    const auto source = io::make_memory(bytes, "m");
    const auto expected = openssl_sha256(bytes);
    std::atomic<int> right{0};
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&] {
                const auto result = scan(*source, looking_for(default_patterns()), {});
                right += result.has_value() && result->sha256 == expected ? 1 : 0;
            });
        }
    }
    EXPECT_EQ(right, 4);
}

TEST(DefaultPatterns, AreManyAndNamedApart)
{
    const auto& patterns = default_patterns();
    EXPECT_GE(patterns.size(), 30U);
    std::map<std::string, int> names;
    for (const auto& pattern : patterns) {
        EXPECT_EQ(++names[pattern.name], 1) << pattern.name;
    }
}

TEST(DefaultPatterns, MatchRandomDataOfAPhonesSizeLessThanOnce)
{
    // Expected hits in 64 GiB of random bytes, from the sizes and alignments alone.
    double expected = 0;
    for (const auto& pattern : default_patterns()) {
        expected +=
            std::ldexp(1.0, 36) / pattern.alignment * std::ldexp(1.0, -8 * static_cast<int>(pattern.bytes.size()));
    }
    EXPECT_LT(expected, 1.0);
}

TEST(DefaultPatterns, AreNotFoundInText)
{
    // Decoys: what system images hold plenty of, and what looks like a magic at the wrong place.
    Bytes bytes(1U << 20U, std::byte{' '});
    constexpr std::array decoys{
        "aes",     "AES-CBC",          "essiv",          "cbc(aes)", "ANDROID_ROOT",  "EFI PARTITION",
        "sqlite3", "android.hardware", "FAT filesystem", "LUKSmeta", "cipher aes-gcm"};
    std::size_t at = 512;
    for (const auto* const decoy : decoys) {
        plant(bytes, at, bytes_of(decoy));
        at += 512;
    }
    for (const auto& pattern : default_patterns()) {
        if (pattern.alignment > 1) { // at a sector's start + 1
            at += 512;
            plant(bytes, at + pattern.offset_in_unit + 1, pattern.bytes);
        }
    }
    const auto result = scan(*io::make_memory(bytes, "m"), looking_for(default_patterns()), {});
    ASSERT_TRUE(is_ok(result));
    EXPECT_TRUE(result->hits.empty()) << default_patterns().at(result->hits.front().pattern).name;
}

} // namespace
} // namespace salvage::scan
