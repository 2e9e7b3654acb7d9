// Packed files as bytes: by other people's packers, in any order, damaged in every way.
#include <algorithm>
#include <random>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "salvage/io/decompressed.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::io {
namespace {

using salvage::test::fails_with;
using salvage::test::is_ok;
using salvage::test::TemporaryFolder;

/// Compressible, and different everywhere.
Bytes text_of(std::size_t size)
{
    std::string out;
    std::mt19937 random{11};
    while (out.size() < size) {
        out += fmt::format("line {} {:x}\n", out.size(), random());
    }
    out.resize(size);
    const auto view = as_bytes(out);
    return {view.begin(), view.end()};
}

class Packed : public ::testing::Test {
protected:
    /// What `packer` (a filter) makes of `content`.
    Bytes pack(const std::string& packer, const Bytes& content)
    {
        const auto plain = folder_.write("plain", content);
        const auto packed = folder_.path() / "packed";
        EXPECT_TRUE(salvage::test::run_command(fmt::format("{} <{} >{}", packer, plain.string(), packed.string())))
            << packer;
        return salvage::test::read_file(packed);
    }
    static SourcePtr source_of(Bytes packed) { return make_memory(std::move(packed), "words.packed"); }
    static Result<SourcePtr> unpack(Bytes packed)
    {
        return make_decompressed(source_of(std::move(packed)), RunContext{});
    }
    static void expect_holds(const Bytes& packed, const Bytes& content)
    {
        const auto source = unpack(packed);
        ASSERT_TRUE(is_ok(source));
        ASSERT_EQ((*source)->size().value, content.size());
        const auto all = read_all(**source, ByteCount{content.size()});
        ASSERT_TRUE(is_ok(all));
        EXPECT_TRUE(*all == content);
    }

    TemporaryFolder folder_;
};

Bytes joined(Bytes left, const Bytes& right)
{
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

TEST_F(Packed, ByGzipAndZstdIsUnpacked)
{
    for (const std::size_t size : {0U, 1U, 511U, 512U, 65536U, 262'143U, 262'144U, 262'145U, 3'000'000U}) {
        const auto content = text_of(size);
        expect_holds(pack("gzip -c", content), content);
        expect_holds(pack("zstd -q -c", content), content);
        expect_holds(pack("zstd -q -19 --check -c", content), content);
    }
}

TEST_F(Packed, InSeveralMembersIsOneText)
{
    const auto first = text_of(400'000);
    const auto second = text_of(1'500'000);
    for (const auto* const packer : {"gzip -c", "zstd -q -c"}) {
        const auto nothing = pack(packer, {});
        const auto packed = joined(joined(pack(packer, first), nothing), pack(packer, second));
        expect_holds(packed, joined(first, second));
    }
}

TEST_F(Packed, WithWhatPackersPutAroundIt)
{
    const auto content = text_of(1000);
    expect_holds(joined(pack("gzip -c", content), Bytes(1000)), content);
    const Bytes skippable{std::byte{0x5A}, std::byte{0x2A}, std::byte{0x4D}, std::byte{0x18},
                          std::byte{3},    std::byte{0},    std::byte{0},    std::byte{0},
                          std::byte{1},    std::byte{2},    std::byte{3}};
    expect_holds(joined(skippable, pack("zstd -q -c", content)), content);
    expect_holds(joined(pack("zstd -q -c", content), skippable), content);
}

/// Reads in random places, compared with the content.
void read_anywhere(const ByteSource& source, const Bytes& content, std::uint64_t seed, std::size_t reads)
{
    std::mt19937_64 random{seed};
    for (std::size_t i = 0; i < reads; ++i) {
        const auto at = random() % content.size();
        const auto count = std::min<std::size_t>(content.size() - at, random() % 70'000);
        Bytes into(count);
        ASSERT_TRUE(is_ok(source.read_at(ByteOffset{at}, into)));
        ASSERT_TRUE(std::ranges::equal(into, ByteView{content}.subspan(at, count))) << at;
    }
}

TEST_F(Packed, IsReadInAnyOrderByManyThreads)
{
    // More than the blocks that are kept, so that going back means unpacking again.
    const auto part = text_of(2U << 20U);
    for (const auto* const packer : {"gzip -1 -c", "zstd -q -c"}) {
        Bytes packed;
        Bytes content;
        for (unsigned i = 0; i < 6; ++i) {
            packed = joined(std::move(packed), pack(packer, part));
            content = joined(std::move(content), part);
        }
        const auto source = unpack(packed).unwrap();
        std::vector<std::jthread> threads;
        for (unsigned i = 0; i < 3; ++i) {
            threads.emplace_back([&, i] { read_anywhere(*source, content, i, 15); });
        }
        threads.clear();
        EXPECT_TRUE(
            fails_with(source->read_at(ByteOffset{content.size()}, std::span{content}.first(1)), ErrorCode::truncated));
        EXPECT_TRUE(is_ok(source->read_at(ByteOffset{content.size()}, {})));
    }
}

TEST_F(Packed, GoesBackToTheMemberBeforeAndNoFurther)
{
    const auto part = text_of(12U << 20U);
    const auto one = pack("gzip -1 -c", part);
    ReadCounters counters;
    const auto packed = make_counting(source_of(joined(one, one)), counters);
    const auto source = make_decompressed(packed, RunContext{}).unwrap();
    Bytes into(100);
    ASSERT_TRUE(is_ok(source->read_at(ByteOffset{2 * part.size() - 100}, into)));
    counters.bytes = 0;
    ASSERT_TRUE(is_ok(source->read_at(ByteOffset{part.size() + 100}, into)));
    EXPECT_TRUE(std::ranges::equal(into, ByteView{part}.subspan(100, 100)));
    EXPECT_LT(counters.bytes, one.size() / 4);
}

TEST_F(Packed, ThatIsCutOffSaysWhere)
{
    const auto content = text_of(3000);
    for (const auto* const packer : {"gzip -c", "zstd -q --check -c"}) {
        const auto packed = pack(packer, content);
        for (std::size_t size = 4; size < packed.size(); ++size) {
            const auto source = unpack({packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(size)});
            ASSERT_TRUE(fails_with(source, ErrorCode::truncated)) << packer << " cut at " << size;
            ASSERT_TRUE(source.error().where.has_value());
            EXPECT_EQ(source.error().where->chain.back().at.value, size);
        }
    }
}

TEST_F(Packed, ThatIsDamagedIsAnErrorOrAtLeastNoCrash)
{
    const auto content = text_of(3000);
    for (const auto* const packer : {"gzip -c", "zstd -q --check -c", "zip -q - -"}) {
        const auto packed = pack(packer, content);
        std::size_t noticed = 0;
        for (std::size_t at = 0; at < packed.size(); ++at) {
            auto damaged = packed;
            damaged[at] ^= std::byte{0x41};
            const auto source = unpack(damaged);
            noticed += source.has_value() ? 0U : 1U;
            EXPECT_TRUE(source.has_value() || !source.error().what.empty());
        }
        // Names, times and the like are not covered by a checksum.
        EXPECT_GT(noticed, packed.size() * 8 / 10) << packer;
    }
}

TEST_F(Packed, WithSomethingElseBehindItIsAnError)
{
    const auto content = text_of(1000);
    const auto packed = pack("gzip -c", content);
    const auto source = unpack(joined(packed, Bytes(5, std::byte{'x'})));
    ASSERT_TRUE(fails_with(source, ErrorCode::malformed));
    EXPECT_EQ(source.error().where->chain.back().at.value, packed.size());
    EXPECT_TRUE(
        fails_with(unpack(joined(pack("zstd -q -c", content), Bytes(5, std::byte{'x'}))), ErrorCode::malformed));
}

TEST_F(Packed, WithAHugeWindowIsRefusedWithTheReason)
{
    const auto packed = pack("zstd -q --ultra --long=31 --no-check -c", text_of(1000));
    const auto source = unpack(packed);
    ASSERT_TRUE(fails_with(source, ErrorCode::unsupported));
    EXPECT_NE(source.error().hint.find("--long=31"), std::string::npos);
}

TEST_F(Packed, InAZipIsUnpackedWhereItIsAlone)
{
    const auto content = text_of(500'000);
    for (const auto* const name : {"words.txt", "more.txt"}) {
        ASSERT_FALSE(folder_.write(name, content).empty());
    }
    const auto zip = [&](const std::string& options, const std::string& files) {
        std::filesystem::remove(folder_.path() / "a.zip");
        EXPECT_TRUE(salvage::test::run_command(
            fmt::format("cd {} && zip -q {} a.zip {}", folder_.path().string(), options, files)));
        return salvage::test::read_file(folder_.path() / "a.zip");
    };
    expect_holds(zip("", "words.txt"), content);
    expect_holds(pack("zip -q - -", content), content); // with a descriptor behind the data
    EXPECT_TRUE(fails_with(unpack(zip("", "words.txt more.txt")), ErrorCode::unsupported));
    EXPECT_TRUE(fails_with(unpack(zip("-0", "words.txt")), ErrorCode::unsupported));
    EXPECT_TRUE(fails_with(unpack(zip("-P secret", "words.txt")), ErrorCode::unsupported));
    auto cut = zip("", "words.txt");
    cut.resize(cut.size() - 30);
    EXPECT_TRUE(fails_with(unpack(cut), ErrorCode::truncated));
}

TEST(Compression, IsKnownByItsMagic)
{
    using namespace std::string_view_literals;
    const auto name = [](std::string_view head) { return find_compression(as_bytes(head)).value_or("nothing"); };
    EXPECT_EQ(name("\x1F\x8B\x08\x00"sv), "gzip");
    EXPECT_EQ(name("\x28\xB5\x2F\xFD"sv), "zstd");
    EXPECT_EQ(name("\x50\x2A\x4D\x18"sv), "zstd");
    EXPECT_EQ(name("PK\x03\x04"sv), "zip");
    EXPECT_EQ(name("7z\xBC\xAF\x27\x1C"sv), "7z");
    EXPECT_EQ(name("Rar!\x1A\x07\x01"sv), "rar");
    EXPECT_EQ(name("\xFD\x37zXZ\0"sv), "xz");
    EXPECT_EQ(name("BZh9\x31\x41\x59\x26\x53\x59"sv), "bzip2");
    EXPECT_EQ(name("\x04\x22\x4D\x18"sv), "lz4");
    for (const auto head : {""sv, "B"sv, "BZh"sv, "BZh9abc"sv, "password"sv, "\x1F\x8B"sv, "P"sv, "\x50"sv}) {
        EXPECT_FALSE(find_compression(as_bytes(head)).has_value());
    }
}

TEST(Compression, ThatIsNotUnpackedHereNamesWhatDoesIt)
{
    using namespace std::string_view_literals;
    const auto head = as_bytes("7z\xBC\xAF\x27\x1C and more"sv);
    const auto made = make_decompressor(make_memory({head.begin(), head.end()}, "words.7z"));
    ASSERT_TRUE(fails_with(made, ErrorCode::unsupported));
    EXPECT_NE(to_string(made.error()).find("unpack it with 7z x"), std::string::npos) << to_string(made.error());
    EXPECT_TRUE(fails_with(make_decompressor(make_memory(Bytes(10), "zeros")), ErrorCode::unsupported));
    EXPECT_TRUE(fails_with(make_decompressor(make_memory({}, "nothing")), ErrorCode::unsupported));
}

TEST_F(Packed, StopsInTheMidstOfABomb)
{
    /// Stops at the first sign of life.
    class StopAtOnce final : public Progress {
    public:
        void update(const ProgressUpdate& /*update*/) override
        {
            ++updates;
            stop.request_stop();
        }
        std::stop_source stop;
        int updates{0};
    };
    const auto bomb = pack("sh -c 'head -c 200000000 /dev/zero | gzip -1 -c'", {});
    ASSERT_LT(bomb.size(), 2'000'000U);
    StopAtOnce progress;
    RunContext context;
    context.progress = &progress;
    context.stop = progress.stop.get_token();
    EXPECT_TRUE(fails_with(make_decompressed(source_of(bomb), context), ErrorCode::cancelled));
    EXPECT_EQ(progress.updates, 1);
}

TEST_F(Packed, PassesOnWhatItsSourceCannotRead)
{
    const auto packed = pack("gzip -c", text_of(500'000));
    ASSERT_GT(packed.size(), 70'000U);
    EXPECT_TRUE(fails_with(make_decompressed(make_faulty(source_of(packed), 3), RunContext{}), ErrorCode::io));
}

TEST_F(Packed, ThatIsShorterThanItWasIsNoticed)
{
    const auto content = text_of(1000);
    const auto source = make_decompressed(source_of(pack("gzip -c", content)), ByteCount{2000});
    Bytes into(10);
    EXPECT_TRUE(fails_with(source->read_at(ByteOffset{1500}, into), ErrorCode::truncated));
}

TEST_F(Packed, RemembersWhereItsMembersBegin)
{
    const auto member = pack("gzip -1 -c", text_of(1U << 20U));
    Bytes packed;
    for (unsigned i = 0; i < 5; ++i) {
        packed = joined(std::move(packed), member);
    }
    const auto decompressor = make_decompressor(source_of(packed)).unwrap();
    Bytes scratch(1U << 20U);
    while (!decompressor->read(scratch).unwrap().is_end) {
    }
    const auto& points = decompressor->restart_points();
    ASSERT_EQ(points.size(), 5U);
    EXPECT_EQ(points[3], (RestartPoint{.packed = ByteOffset{3 * member.size()}, .unpacked = ByteOffset{3U << 20U}}));
}

} // namespace
} // namespace salvage::io
