// The search for many patterns against the naive one, on every instruction set this machine has.
#include "salvage/scan/matcher.hpp"

#include <gtest/gtest.h>

#include "scan/kernels.hpp"
#include "support/assert_result.hpp"
#include "unit/scan/scan_support.hpp"

namespace salvage::scan {
namespace {

using test::bytes_of;
using test::fails_with;
using test::naive_hits;
using test::plant;
using test::random_bytes;

std::vector<Hit> hits_of(const Matcher& matcher, ByteView bytes, std::size_t known = 0, std::uint64_t base = 0)
{
    std::vector<Hit> out;
    matcher.find(bytes, known, ByteOffset{base}, [&](const Hit& hit) { out.push_back(hit); });
    std::ranges::sort(out);
    return out;
}

std::vector<Hit> hits_of(std::span<const Pattern> patterns, Isa isa, ByteView bytes, std::size_t known = 0,
                         std::uint64_t base = 0)
{
    return hits_of(Matcher::make(patterns, isa).unwrap(), bytes, known, base);
}

Pattern pattern_of(std::string_view text, std::uint32_t alignment = 1, std::uint32_t at = 0)
{
    return {.name = std::string{text}, .bytes = bytes_of(text), .alignment = alignment, .offset_in_unit = at};
}

/// Patterns cut out of `bytes`, so that some are found; sizes as they come in real lists and at the limits.
std::vector<Pattern> patterns_from(ByteView bytes, std::size_t count, std::uint64_t seed, std::size_t longest)
{
    std::mt19937_64 random{seed};
    std::vector<Pattern> out;
    for (std::size_t i = 0; i < count; ++i) {
        const auto size = std::min<std::size_t>(1 + (random() % longest), bytes.size());
        const auto at = random() % (bytes.size() - size + 1);
        const auto piece = bytes.subspan(at, size);
        constexpr std::array<std::uint32_t, 7> alignments{1, 1, 2, 4, 16, 64, 512};
        const auto alignment = alignments.at(random() % alignments.size());
        out.push_back({.name = std::to_string(i),
                       .bytes = {piece.begin(), piece.end()},
                       .alignment = alignment,
                       .offset_in_unit = static_cast<std::uint32_t>(at % alignment)});
    }
    return out;
}

class OnEachIsa : public ::testing::TestWithParam<Isa> {};

TEST_P(OnEachIsa, FindsWhatTheNaiveSearchFindsForOnePatternOfAnySize)
{
    // Few values make many near misses.
    for (const unsigned values : {2U, 4U, 256U}) {
        const auto bytes = random_bytes(3000, values, values);
        for (std::size_t size = 1; size <= 40; ++size) {
            for (const std::size_t at : {std::size_t{0}, std::size_t{777}, bytes.size() - size}) {
                const auto piece = ByteView{bytes}.subspan(at, size);
                const std::vector one{Pattern{.name = "p", .bytes = {piece.begin(), piece.end()}}};
                ASSERT_EQ(hits_of(one, GetParam(), bytes), naive_hits(bytes, one))
                    << values << " values, " << size << " bytes from " << at;
            }
        }
    }
}

TEST_P(OnEachIsa, FindsWhatTheNaiveSearchFindsForManyPatterns)
{
    for (std::uint64_t round = 0; round < 60; ++round) {
        const unsigned values = round % 3 == 0 ? 3 : 256;
        const auto bytes = random_bytes(1 + ((round * 97) % 5000), round, values);
        const auto patterns = patterns_from(bytes, 1 + (round % 40), round, round % 2 == 0 ? 6 : 300);
        const auto base = round * 12345;
        ASSERT_EQ(hits_of(patterns, GetParam(), bytes, 0, base), naive_hits(bytes, patterns, base))
            << "round " << round;
    }
}

TEST_P(OnEachIsa, ReportsOnlyHitsThatEndBehindTheKnownBytes)
{
    const auto bytes = random_bytes(700, 5, 3);
    const auto patterns = patterns_from(bytes, 12, 5, 9);
    const std::vector one{patterns.front()};
    for (std::size_t known = 0; known <= bytes.size(); ++known) {
        ASSERT_EQ(hits_of(patterns, GetParam(), bytes, known), naive_hits(bytes, patterns, 0, known)) << known;
        ASSERT_EQ(hits_of(one, GetParam(), bytes, known), naive_hits(bytes, one, 0, known)) << known;
    }
}

TEST_P(OnEachIsa, FindsEachHitOnceHoweverTheBytesAreCut)
{
    const auto bytes = random_bytes(2000, 6, 4);
    const auto patterns = patterns_from(bytes, 20, 6, 50);
    const auto matcher = Matcher::make(patterns, GetParam()).unwrap();
    const auto expected = naive_hits(bytes, patterns);
    for (const std::size_t piece : {1U, 7U, 64U, 333U, 1999U}) {
        std::vector<Hit> found;
        for (std::size_t at = 0; at < bytes.size(); at += piece) {
            const auto known = std::min(at, matcher.longest() - 1);
            const auto size = std::min(piece, bytes.size() - at);
            const auto part = hits_of(matcher, ByteView{bytes}.subspan(at - known, known + size), known, at - known);
            found.insert(found.end(), part.begin(), part.end());
        }
        std::ranges::sort(found);
        ASSERT_EQ(found, expected) << "pieces of " << piece;
    }
}

TEST_P(OnEachIsa, TouchesNoByteOutside)
{
    test::GuardedPages pages{8192};
    const auto all = random_bytes(1500, 7, 5);
    for (std::size_t size = 0; size <= 400; ++size) {
        const auto bytes = ByteView{all}.first(size);
        const auto patterns = patterns_from(all, 9, size, 20);
        const std::vector one{patterns.front()};
        const auto expected = naive_hits(bytes, patterns);
        ASSERT_EQ(hits_of(patterns, GetParam(), pages.at_end(bytes)), expected) << size << " bytes at a page's end";
        ASSERT_EQ(hits_of(patterns, GetParam(), pages.at_start(bytes)), expected) << size << " bytes at a page's start";
        ASSERT_EQ(hits_of(one, GetParam(), pages.at_end(bytes)), naive_hits(bytes, one)) << size;
    }
}

TEST_P(OnEachIsa, FindsTheSameAtEveryMisalignmentInMemory)
{
    test::GuardedPages pages{8192};
    const auto bytes = random_bytes(1000, 8, 6);
    const auto patterns = patterns_from(bytes, 9, 8, 12);
    const auto matcher = Matcher::make(patterns, GetParam()).unwrap();
    const auto expected = naive_hits(bytes, patterns);
    for (std::size_t shift = 0; shift < 130; ++shift) {
        Bytes shifted(shift);
        shifted.insert(shifted.end(), bytes.begin(), bytes.end());
        const auto view = pages.at_start(shifted).subspan(shift);
        ASSERT_EQ(hits_of(matcher, view), expected) << "shift " << shift;
    }
}

TEST_P(OnEachIsa, FindsTheLongestPatternAtTheEnd)
{
    auto bytes = random_bytes(9000, 9);
    const auto piece = ByteView{bytes}.last(4096);
    const std::vector patterns{Pattern{.name = "long", .bytes = {piece.begin(), piece.end()}}, pattern_of("absent")};
    const std::vector<Hit> expected{{.at = ByteOffset{9000 - 4096}, .pattern = 0}};
    EXPECT_EQ(hits_of(patterns, GetParam(), bytes), expected);
    EXPECT_EQ(hits_of(std::span{patterns}.first(1), GetParam(), bytes), expected);
}

TEST_P(OnEachIsa, FindsEveryOneOfAThousandPatterns)
{
    const auto bytes = random_bytes(60'000, 10);
    std::vector<Pattern> patterns;
    for (std::size_t i = 0; i < 1000; ++i) {
        const auto piece = ByteView{bytes}.subspan(i * 59, 8);
        patterns.push_back({.name = std::to_string(i), .bytes = {piece.begin(), piece.end()}});
    }
    EXPECT_EQ(hits_of(patterns, GetParam(), bytes).size(), 1000U);
}

TEST_P(OnEachIsa, FindsEachDefaultSignatureWhereItBelongsAndNowhereElse)
{
    const auto& patterns = default_patterns();
    const auto matcher = Matcher::make(patterns, GetParam()).unwrap();
    for (std::uint32_t index = 0; index < patterns.size(); ++index) {
        const auto& pattern = patterns[index];
        Bytes bytes(4096, std::byte{0x5A});
        plant(bytes, 1024 + pattern.offset_in_unit, pattern.bytes);
        EXPECT_EQ(hits_of(matcher, bytes),
                  (std::vector<Hit>{{.at = ByteOffset{1024U + pattern.offset_in_unit}, .pattern = index}}))
            << pattern.name;
        if (pattern.alignment > 1) {
            Bytes beside(4096, std::byte{0x5A});
            plant(beside, 1025 + pattern.offset_in_unit, pattern.bytes);
            EXPECT_TRUE(hits_of(matcher, beside).empty()) << pattern.name << " one byte beside its place";
        }
    }
}

TEST_P(OnEachIsa, CountsTheAlignmentFromTheSourceNotFromTheBuffer)
{
    auto bytes = random_bytes(4096, 11);
    plant(bytes, 100, bytes_of("ANDROID!"));
    const std::vector patterns{pattern_of("ANDROID!", 512)};
    EXPECT_TRUE(hits_of(patterns, GetParam(), bytes, 0, 0).empty());
    EXPECT_EQ(hits_of(patterns, GetParam(), bytes, 0, 412).size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Matcher, OnEachIsa, ::testing::ValuesIn(test::available_isas()),
                         [](const auto& given) { return std::string{to_string(given.param)}; });

TEST(Matcher, WithoutPatternsFindsNothing)
{
    const auto matcher = Matcher::make({}, Isa::portable).unwrap();
    EXPECT_EQ(matcher.longest(), 0U);
    EXPECT_TRUE(hits_of(matcher, random_bytes(1000, 1)).empty());
}

TEST(Matcher, RefusesPatternsThatMeanNothing)
{
    const auto made = [](Pattern pattern) { return Matcher::make({{std::move(pattern)}}, Isa::portable); };
    EXPECT_TRUE(fails_with(made({.name = "none", .bytes = {}}), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(made({.name = "long", .bytes = Bytes(4097)}), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(made(pattern_of("x", 0)), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(made(pattern_of("x", 512, 512)), ErrorCode::invalid_argument));
    const std::vector<Pattern> many(4097, pattern_of("x"));
    EXPECT_TRUE(fails_with(Matcher::make(many, Isa::portable), ErrorCode::invalid_argument));
    EXPECT_TRUE(test::is_ok(Matcher::make(std::span{many}.first(4096), Isa::portable)));
}

TEST(Matcher, GivesTheHitsOfOnePatternInAscendingOrder)
{
    const auto bytes = random_bytes(5000, 12, 2);
    const auto patterns = patterns_from(bytes, 8, 12, 5);
    for (const auto isa : test::available_isas()) {
        const auto matcher = Matcher::make(patterns, isa).unwrap();
        std::vector<std::uint64_t> last(patterns.size(), 0);
        matcher.find(bytes, 0, ByteOffset{1}, [&](const Hit& hit) {
            ASSERT_GT(hit.at.value, last.at(hit.pattern));
            last.at(hit.pattern) = hit.at.value;
        });
    }
}

TEST(Kernels, AreThoseOfTheInstructionSetThatWasAskedFor)
{
    EXPECT_EQ(pair_kernel(Isa::portable), &pair_portable);
    EXPECT_EQ(window_kernel(Isa::portable), &window_portable);
#if defined(__x86_64__)
    EXPECT_EQ(pair_kernel(Isa::avx2), &pair_avx2);
    EXPECT_EQ(window_kernel(Isa::avx2), &window_avx2);
    EXPECT_EQ(pair_kernel(Isa::avx512), &pair_avx512);
    EXPECT_EQ(window_kernel(Isa::avx512), &window_avx512);
#endif
}

/// All places a kernel names from 0 on, and where it stops.
template <typename Filter, typename Kernel>
std::pair<std::vector<std::size_t>, std::size_t> places_of(const Filter& filter, Kernel kernel, ByteView bytes)
{
    std::vector<std::size_t> out;
    for (std::size_t from = 0;;) {
        const auto places = kernel(filter, bytes, from);
        if (places.mask == 0) {
            return {out, places.next};
        }
        for (auto mask = places.mask; mask != 0; mask &= mask - 1) {
            out.push_back(places.at + static_cast<std::size_t>(std::countr_zero(mask)));
        }
        from = places.next;
    }
}

TEST(Kernels, MissNoPlaceThatTheirPortableTwinNames)
{
    const auto bytes = random_bytes(5000, 13, 5);
    const PairFilter pair{.first = std::byte{1}, .second = std::byte{3}, .distance = 9};
    WindowFilter window;
    for (std::size_t position = 0; position < WindowFilter::window; ++position) {
        window.allow(position, static_cast<std::byte>(1 + position), 0);
        window.allow(position, static_cast<std::byte>(4 - position), 7);
    }
    const auto check = [&](const auto& filter, auto kernel, auto twin) {
        for (std::size_t size = 0; size < 600; ++size) {
            const auto part = ByteView{bytes}.first(size);
            const auto [found, stopped] = places_of(filter, kernel, part);
            auto [expected, end] = places_of(filter, twin, part);
            EXPECT_LE(end - std::min(end, stopped), 128U) << size;
            std::erase_if(expected, [&](std::size_t place) { return place >= stopped; });
            ASSERT_TRUE(std::ranges::includes(found, expected)) << size << " bytes";
            // All values are below 64, so that no kernel has a reason to let more through.
            ASSERT_EQ(found.size(), expected.size()) << size << " bytes";
        }
    };
    for (const auto isa : test::available_isas()) {
        check(pair, pair_kernel(isa), &pair_portable);
        check(window, window_kernel(isa), &window_portable);
    }
}

} // namespace
} // namespace salvage::scan
