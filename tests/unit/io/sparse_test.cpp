// Android sparse images: simg2img unpacked the expected bytes (tests/data/sparse/README.md).
#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::io {
namespace {

using test::fails_with;
using test::is_ok;

std::vector<std::filesystem::path> images_in(const std::filesystem::path& folder)
{
    std::vector<std::filesystem::path> out;
    for (const auto& entry : std::filesystem::directory_iterator{folder}) {
        if (entry.path().extension() == ".simg") {
            out.push_back(entry.path());
        }
    }
    std::ranges::sort(out);
    return out;
}

SourcePtr memory_of(const std::filesystem::path& path)
{
    return make_memory(test::read_file(path), path.filename().string());
}

/// Opens, reads and describes everything; whatever fails must say so in words.
void exercise(Bytes bytes)
{
    const auto source = make_sparse(make_memory(std::move(bytes), "damaged.simg"));
    if (!source.has_value()) {
        EXPECT_FALSE(source.error().what.empty());
        EXPECT_TRUE(source.error().where.has_value()) << to_string(source.error());
        return;
    }
    ignore(read_up_to(**source, ByteOffset{0}, ByteCount{1U << 16U}), "any outcome is right");
    ignore((*source)->extents(whole(**source)), "any outcome is right");
    static_cast<void>((*source)->locate(ByteOffset{(*source)->size().value / 2}));
}

TEST(Sparse, UnpacksAsSimg2imgDoes)
{
    const auto images = images_in(test::sample("sparse"));
    ASSERT_GE(images.size(), 6U);
    for (const auto& path : images) {
        const auto source = make_sparse(memory_of(path));
        ASSERT_TRUE(is_ok(source)) << path;
        const auto bytes = read_all(**source, ByteCount{1U << 20U});
        ASSERT_TRUE(is_ok(bytes)) << path;
        auto expected = path;
        EXPECT_EQ(*bytes, test::read_file(expected.replace_extension(".raw"))) << path;
    }
}

TEST(Sparse, UnpacksVendorImagesAsSimg2imgDoes)
{
    SALVAGE_FOREIGN_OR_SKIP(folder, "sparse");
    const test::TemporaryFolder work;
    for (const auto& entry : std::filesystem::directory_iterator{folder}) {
        const auto raw = work.path() / "image.raw";
        ASSERT_TRUE(test::run_command(fmt::format("simg2img '{}' '{}'", entry.path().string(), raw.string())))
            << "simg2img (android-sdk-libsparse-utils) is missing";
        const auto ours = open_any(entry.path());
        const auto theirs = open_file(raw);
        ASSERT_TRUE(is_ok(ours)) << entry.path();
        ASSERT_TRUE(is_ok(theirs));
        ASSERT_EQ((*ours)->size(), (*theirs)->size()) << entry.path();
        const auto extents = (*ours)->extents(whole(**ours));
        ASSERT_TRUE(is_ok(extents));
        std::uint64_t data = 0;
        for (const auto& extent : *extents) {
            // simg2img leaves don't-care chunks as holes of its file; comparing data is enough, and quick.
            if (extent.kind == ExtentKind::data) {
                data += extent.range.size().value;
                EXPECT_EQ(read_bytes(**ours, extent.range.start(), extent.range.size()).value(),
                          read_bytes(**theirs, extent.range.start(), extent.range.size()).value())
                    << entry.path();
            }
        }
        EXPECT_GT(data, 0U);
        std::filesystem::remove(raw);
    }
}

TEST(Sparse, KnowsItsHoles)
{
    const auto source = make_sparse(memory_of(test::sample("sparse/small-blocks.simg")));
    ASSERT_TRUE(is_ok(source));
    const auto extents = (*source)->extents(whole(**source));
    ASSERT_TRUE(is_ok(extents));
    const auto range = [](std::uint64_t start, std::uint64_t end) {
        return ByteRange::between(ByteOffset{start}, ByteOffset{end});
    };
    EXPECT_EQ(*extents, (std::vector<Extent>{{.range = range(0, 12), .kind = ExtentKind::data},
                                             {.range = range(12, 16), .kind = ExtentKind::hole},
                                             {.range = range(16, 24), .kind = ExtentKind::data}}));
}

TEST(Sparse, SeesFillChunksOfZerosAsHoles)
{
    const auto source = make_sparse(memory_of(test::sample("sparse/fill-zero.simg")));
    ASSERT_TRUE(is_ok(source));
    const auto extents = (*source)->extents(ByteRange::first(ByteCount{1024}));
    ASSERT_TRUE(is_ok(extents));
    EXPECT_EQ(extents->front().kind, ExtentKind::hole);
    EXPECT_EQ(extents->size(), 1U);
}

TEST(Sparse, KeepsThePhaseOfAFillWordInOddReads)
{
    const auto source = make_sparse(memory_of(test::sample("sparse/small-blocks.simg")));
    ASSERT_TRUE(is_ok(source));
    const auto bytes = read_bytes(**source, ByteOffset{17}, ByteCount{6});
    ASSERT_TRUE(is_ok(bytes));
    EXPECT_EQ(to_hex(*bytes), "020304010203");
}

TEST(Sparse, AgreesWithAndroidsLibraryOnChecksums)
{
    // What libsparse says to each when it is asked to verify (README.md).
    const std::vector<std::pair<std::string, bool>> cases{
        {"checksums", true}, {"mixed", false}, {"long-headers", false}};
    for (const auto& [name, has_checksums] : cases) {
        const auto verified = verify_sparse_checksums(memory_of(test::sample("sparse/" + name + ".simg")));
        ASSERT_TRUE(is_ok(verified)) << name;
        EXPECT_EQ(*verified, has_checksums) << name;
    }
    const auto wrong = verify_sparse_checksums(memory_of(test::sample("sparse/wrong-checksum.simg")));
    ASSERT_TRUE(fails_with(wrong, ErrorCode::mismatch));
    ASSERT_TRUE(wrong.error().where.has_value());
    EXPECT_EQ(wrong.error().where->chain.back(), (Place{.source = "wrong-checksum.simg", .at = ByteOffset{1136 - 16}}));
}

TEST(Sparse, ChecksOtherPeoplesChecksums)
{
    SALVAGE_FOREIGN_OR_SKIP(right, "sparse/DavidArsene__android-sparse-rs__crc.simg");
    SALVAGE_FOREIGN_OR_SKIP(wrong, "sparse/DavidArsene__android-sparse-rs__invalid_crc.simg");
    const auto verified = verify_sparse_checksums(memory_of(right));
    ASSERT_TRUE(is_ok(verified));
    EXPECT_TRUE(*verified);
    EXPECT_TRUE(fails_with(verify_sparse_checksums(memory_of(wrong)), ErrorCode::mismatch));
}

TEST(Sparse, RefusesHostileTablesAndSaysWhere)
{
    const auto images = images_in(test::sample("evil"));
    std::size_t seen = 0;
    for (const auto& path : images) {
        const auto name = path.stem().string();
        if (!name.starts_with("sparse-") || name == "sparse-vast-checksum") {
            continue;
        }
        ++seen;
        const auto result = make_sparse(memory_of(path));
        ASSERT_FALSE(result.has_value()) << name;
        const auto code = result.error().code;
        EXPECT_TRUE(code == ErrorCode::malformed || code == ErrorCode::truncated || code == ErrorCode::unsupported)
            << to_string(result.error());
        ASSERT_TRUE(result.error().where.has_value()) << name;
        EXPECT_EQ(result.error().where->chain.back().source, path.filename().string()) << name;
    }
    EXPECT_GE(seen, 12U);
}

TEST(Sparse, NamesBothSumsThatDoNotAgree)
{
    const auto result = make_sparse(memory_of(test::sample("evil/sparse-sum-too-small.simg")));
    ASSERT_TRUE(fails_with(result, ErrorCode::malformed));
    EXPECT_NE(result.error().why.find("make 1 blocks, the header says 2"), std::string::npos) << result.error().why;
}

TEST(Sparse, VerifiesAVastHoleWithoutReadingIt)
{
    // 2^58 bytes of zeros: the test ends only because nobody reads them.
    EXPECT_TRUE(fails_with(verify_sparse_checksums(memory_of(test::sample("evil/sparse-vast-checksum.simg"))),
                           ErrorCode::mismatch));
}

TEST(Sparse, IsRecognisedByItsMagicOnly)
{
    EXPECT_TRUE(is_sparse_image(test::read_file(test::sample("sparse/mixed.simg"))));
    EXPECT_FALSE(is_sparse_image({}));
    const std::array almost{std::byte{0x3A}, std::byte{0xFF}, std::byte{0x26}};
    EXPECT_FALSE(is_sparse_image(almost));
}

TEST(Sparse, LocatesBytesOfHolesAtTheirChunk)
{
    const auto source = make_sparse(memory_of(test::sample("sparse/small-blocks.simg")));
    ASSERT_TRUE(is_ok(source));
    // Behind the file header, a raw chunk of 12 + 12 bytes and the hole's own header.
    EXPECT_EQ((*source)->locate(ByteOffset{13}).chain.front().at, ByteOffset{28 + 24 + 12});
    EXPECT_EQ((*source)->locate(ByteOffset{2}).chain.front().at, ByteOffset{28 + 12 + 2});
}

TEST(Sparse, EndsInAValueOrAnErrorWhereverItIsCut)
{
    for (const auto& path : images_in(test::sample("sparse"))) {
        const auto bytes = test::read_file(path);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            const auto result = make_sparse(
                make_memory(Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)), "cut.simg"));
            ASSERT_FALSE(result.has_value()) << path << " cut to " << size;
            ASSERT_TRUE(result.error().code == ErrorCode::truncated || result.error().code == ErrorCode::malformed)
                << to_string(result.error());
            ASSERT_TRUE(result.error().where.has_value()) << to_string(result.error());
        }
    }
}

TEST(Sparse, EndsInAValueOrAnErrorWhicheverHeaderByteIsWrong)
{
    for (const auto& path : images_in(test::sample("sparse"))) {
        const auto bytes = test::read_file(path);
        // All bytes: the chunk headers lie anywhere.
        for (std::size_t at = 0; at < bytes.size(); ++at) {
            for (const auto flip : {std::byte{0x01}, std::byte{0x80}, std::byte{0xFF}}) {
                auto changed = bytes;
                changed[at] ^= flip;
                exercise(std::move(changed));
            }
        }
    }
}

TEST(Sparse, PassesOnAReadThatFails)
{
    const auto below = memory_of(test::sample("sparse/checksums.simg"));
    const auto attempt = [&](std::uint64_t failing_read) -> Result<> {
        const auto source = SALVAGE_TRY(make_sparse(make_faulty(below, failing_read)));
        static_cast<void>(SALVAGE_TRY(read_bytes(*source, ByteOffset{0}, source->size())));
        return {};
    };
    std::uint64_t failures = 0;
    for (;;) {
        const auto result = attempt(failures + 1);
        if (result.has_value()) {
            break;
        }
        ASSERT_TRUE(fails_with(result, ErrorCode::io));
        ASSERT_TRUE(result.error().where.has_value());
        ASSERT_LT(++failures, 100U);
    }
    EXPECT_GE(failures, 10U) << "a header, six chunks, three words, two pieces";
}

} // namespace
} // namespace salvage::io
