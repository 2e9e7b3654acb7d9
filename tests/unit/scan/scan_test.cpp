// The one pass: hash, hits, zeros, holes, ranges.
#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include <unistd.h>

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "one_pass_support.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::scan {
namespace {

using io::ExtentKind;
using test::Awkward;
using test::bytes_of;
using test::fails_with;
using test::is_ok;
using test::looking_for;
using test::naive_hits;
using test::pattern_of;
using test::plant;
using test::random_bytes;
using test::range_of;
using test::read_bytes;

std::array<std::byte, 32> openssl_sha256(ByteView bytes)
{
    std::array<std::byte, 32> out{};
    unsigned int written = 0;
    EVP_Digest(bytes.data(), bytes.size(), as_uchar(std::span<std::byte>{out}), &written, EVP_sha256(), nullptr);
    return out;
}

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

} // namespace
} // namespace salvage::scan
