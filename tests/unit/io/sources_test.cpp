// Files, split images and what open_any makes of each.
#include <array>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "salvage/io/missing.hpp"
#include "salvage/io/sources.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::io {
namespace {

using test::fails_with;
using test::is_ok;

TEST(File, ReportsItsHoles)
{
    const test::TemporaryFolder folder;
    const auto path = folder.write("holes.bin", Bytes(65536, std::byte{1}));
    std::filesystem::resize_file(path, 4U << 20U);
    const auto source = open_file(path);
    ASSERT_TRUE(is_ok(source));
    const auto extents = (*source)->extents(whole(**source));
    ASSERT_TRUE(is_ok(extents));
    ASSERT_EQ(extents->size(), 2U) << "the temporary folder's filesystem knows no holes";
    EXPECT_EQ(extents->at(0), (Extent{.range = ByteRange::first(ByteCount{65536}), .kind = ExtentKind::data}));
    EXPECT_EQ(extents->at(1).kind, ExtentKind::hole);
}

TEST(File, CannotBeWhatIsNoFile)
{
    const test::TemporaryFolder folder;
    EXPECT_TRUE(fails_with(open_file(folder.path()), ErrorCode::io));
    EXPECT_TRUE(fails_with(open_file(folder.path() / "missing"), ErrorCode::io));
    EXPECT_TRUE(fails_with(open_file("/dev/null"), ErrorCode::io));
    const auto pipe = folder.path() / "pipe";
    ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
    EXPECT_TRUE(fails_with(open_file(pipe), ErrorCode::io)) << "and does not wait for a writer";
}

TEST(File, SaysSoWhenItBecomesShorter)
{
    const test::TemporaryFolder folder;
    const auto path = folder.write("shrinks.bin", Bytes(10000));
    const auto source = open_file(path);
    ASSERT_TRUE(is_ok(source));
    std::filesystem::resize_file(path, 5000);
    const auto result = read_bytes(**source, ByteOffset{4000}, ByteCount{2000});
    ASSERT_TRUE(fails_with(result, ErrorCode::truncated));
    EXPECT_EQ(result.error().where->chain.front(), (Place{.source = path.string(), .at = ByteOffset{5000}}));
}

TEST(File, MayBeEmpty)
{
    const test::TemporaryFolder folder;
    const auto source = open_file(folder.write("empty.bin", {}));
    ASSERT_TRUE(is_ok(source));
    EXPECT_EQ((*source)->size(), ByteCount{0});
    const auto extents = (*source)->extents(ByteRange{});
    ASSERT_TRUE(is_ok(extents));
    EXPECT_TRUE(extents->empty());
}

TEST(File, IsReadAsABlockDeviceToo)
{
    const test::TemporaryFolder folder;
    const auto path = folder.write("disk.img", Bytes(1U << 20U, std::byte{0x5A}));
    const auto device =
        geteuid() == 0
            ? test::run_command(fmt::format("losetup --find --show --read-only '{}' 2>/dev/null", path.string()))
            : std::nullopt;
    if (!device || device->empty()) {
        GTEST_SKIP() << "no loop device can be had here";
    }
    const auto name = device->substr(0, device->find('\n'));
    const auto source = open_file(name);
    const auto kind = container_kind(name);
    EXPECT_TRUE(is_ok(source));
    EXPECT_TRUE(is_ok(kind));
    if (source.has_value() && kind.has_value()) {
        EXPECT_EQ((*source)->size(), ByteCount{1U << 20U});
        EXPECT_EQ(*kind, "device");
        EXPECT_TRUE(is_ok(read_bytes(**source, ByteOffset{(1U << 20U) - 1}, ByteCount{1})));
    }
    ASSERT_TRUE(test::run_command("losetup -d " + name));
}

class SplitRaw : public ::testing::Test {
protected:
    void write(std::string_view name) { static_cast<void>(folder_.write(name, as_bytes(name))); }
    [[nodiscard]] std::string joined(std::string_view first) const
    {
        const auto source = open_any(folder_.path() / first);
        EXPECT_TRUE(is_ok(source));
        const auto bytes = source.has_value() ? read_all(**source, ByteCount{1000}) : Result<Bytes>{Bytes{}};
        return bytes.has_value() ? std::string{as_text(*bytes)} : std::string{};
    }
    test::TemporaryFolder folder_;
};

TEST_F(SplitRaw, JoinsNumberedParts)
{
    for (const auto* name : {"dump.001", "dump.002", "dump.003", "other.004"}) {
        write(name);
    }
    EXPECT_EQ(joined("dump.001"), "dump.001dump.002dump.003");
    const auto kind = container_kind(folder_.path() / "dump.001");
    ASSERT_TRUE(is_ok(kind));
    EXPECT_EQ(*kind, "split-raw");
}

TEST_F(SplitRaw, CountsFromZeroAndInLettersToo)
{
    for (const auto* name : {"a.000", "a.001", "b.00", "b.01", "c.img.aa", "c.img.ab", "d.01", "d.02"}) {
        write(name);
    }
    EXPECT_EQ(joined("a.000"), "a.000a.001");
    EXPECT_EQ(joined("b.00"), "b.00b.01");
    EXPECT_EQ(joined("c.img.aa"), "c.img.aac.img.ab");
    EXPECT_EQ(joined("d.01"), "d.01d.02");
}

TEST_F(SplitRaw, GoesOnBeyondTheLastNumberOfItsWidth)
{
    for (int i = 1; i <= 101; ++i) {
        write(fmt::format("dump.{:02}", i));
    }
    const auto parts = find_split_parts(folder_.path() / "dump.01");
    ASSERT_TRUE(is_ok(parts));
    EXPECT_EQ(parts->size(), 101U);
    EXPECT_EQ(parts->back().filename(), "dump.101");
}

TEST_F(SplitRaw, RefusesAGapAndNamesThePart)
{
    for (const auto* name : {"dump.001", "dump.002", "dump.004"}) {
        write(name);
    }
    const auto result = open_any(folder_.path() / "dump.001");
    ASSERT_TRUE(fails_with(result, ErrorCode::not_found));
    EXPECT_NE(result.error().what.find("dump.003"), std::string::npos) << result.error().what;
    EXPECT_NE(result.error().why.find("dump.004"), std::string::npos) << result.error().why;
}

TEST_F(SplitRaw, DoesNotBeginWithItsSecondPart)
{
    for (const auto* name : {"dump.000", "dump.001", "dump.002"}) {
        write(name);
    }
    const auto result = open_any(folder_.path() / "dump.001");
    ASSERT_TRUE(fails_with(result, ErrorCode::invalid_argument));
    EXPECT_NE(result.error().why.find("dump.000"), std::string::npos) << result.error().why;
}

TEST_F(SplitRaw, IsNotWhatOnlyEndsInANumber)
{
    write("backup.2024");
    write("dump.001");
    EXPECT_TRUE(fails_with(find_split_parts(folder_.path() / "backup.2024"), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(find_split_parts(folder_.path() / "absent.001"), ErrorCode::not_found));
    const auto kind = container_kind(folder_.path() / "dump.001");
    ASSERT_TRUE(is_ok(kind));
    EXPECT_EQ(*kind, "raw") << "a single part is a plain file";
}

TEST(OpenAny, UnpacksASplitSparseImage)
{
    const test::TemporaryFolder folder;
    const auto packed = test::read_file(test::sample("sparse/mixed.simg"));
    static_cast<void>(folder.write("x.002", ByteView{packed}.subspan(1000)));
    const auto first = folder.write("x.001", ByteView{packed}.first(1000));
    const auto kind = container_kind(first);
    ASSERT_TRUE(is_ok(kind));
    EXPECT_EQ(*kind, "android-sparse");
    const auto source = open_any(first);
    ASSERT_TRUE(is_ok(source));
    const auto bytes = read_all(**source, ByteCount{100000});
    ASSERT_TRUE(is_ok(bytes));
    EXPECT_EQ(*bytes, test::read_file(test::sample("sparse/mixed.raw")));
}

TEST(OpenAny, TakesEverythingElseAsItIs)
{
    const test::TemporaryFolder folder;
    for (const std::string_view content : {"", "x", "hello, this is no hex dump\n"}) {
        const auto path = folder.write("some.bin", as_bytes(content));
        const auto kind = container_kind(path);
        ASSERT_TRUE(is_ok(kind));
        EXPECT_EQ(*kind, "raw");
        const auto source = open_any(path);
        ASSERT_TRUE(is_ok(source));
        EXPECT_EQ((*source)->size().value, content.size());
    }
}

TEST(OpenAny, NamesTheFileOfADamagedContainer)
{
    const test::TemporaryFolder folder;
    const auto text = folder.write("footer.txt", as_bytes("00000000: 0011\n00000002: 2233\n00000009: 44\n"));
    const auto result = open_any(text);
    ASSERT_TRUE(fails_with(result, ErrorCode::malformed));
    EXPECT_EQ(result.error().where->chain.front().source, text.string());
    const auto cut = folder.write("cut.img", ByteView{test::read_file(test::sample("sparse/mixed.simg"))}.first(100));
    const auto sparse = open_any(cut);
    ASSERT_TRUE(fails_with(sparse, ErrorCode::truncated));
    EXPECT_EQ(sparse.error().where->chain.front().source, cut.string());
}

TEST(Missing, IsUnreadableButCounted)
{
    const auto source = make_missing(ByteCount{1000}, "lost");
    EXPECT_TRUE(is_ok(source->read_at(ByteOffset{1000}, {})));
    EXPECT_TRUE(fails_with(read_bytes(*source, ByteOffset{999}, ByteCount{1}), ErrorCode::unreadable));
    EXPECT_TRUE(fails_with(read_bytes(*source, ByteOffset{999}, ByteCount{2}), ErrorCode::truncated));
}

TEST(Missing, FillsUpAPartitionThatACutDumpLacks)
{
    const auto dump = make_memory(Bytes(100, std::byte{7}), "dump");
    const auto range = [](std::uint64_t start, std::uint64_t end) {
        return ByteRange::between(ByteOffset{start}, ByteOffset{end});
    };
    const auto half = make_subrange_or_missing(dump, range(60, 160), "userdata");
    ASSERT_TRUE(is_ok(half));
    EXPECT_EQ((*half)->size(), ByteCount{100});
    EXPECT_TRUE(is_ok(read_bytes(**half, ByteOffset{0}, ByteCount{40})));
    EXPECT_TRUE(fails_with(read_bytes(**half, ByteOffset{39}, ByteCount{2}), ErrorCode::unreadable));
    const auto beyond = make_subrange_or_missing(dump, range(200, 300), "sgpt");
    ASSERT_TRUE(is_ok(beyond));
    EXPECT_EQ((*beyond)->size(), ByteCount{100});
    EXPECT_TRUE(fails_with(read_bytes(**beyond, ByteOffset{0}, ByteCount{1}), ErrorCode::unreadable));
    const auto inside = make_subrange_or_missing(dump, range(0, 100), "all");
    ASSERT_TRUE(is_ok(inside));
    EXPECT_TRUE(is_ok(read_bytes(**inside, ByteOffset{0}, ByteCount{100})));
}

} // namespace
} // namespace salvage::io
