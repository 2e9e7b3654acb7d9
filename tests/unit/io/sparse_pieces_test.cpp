// Sparse images made on the fly: read back by our own reader, by simg2img and by simg_dump.
#include <algorithm>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "contract/byte_source_contract.hpp"
#include "salvage/io/missing.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/sparse_pieces.hpp"
#include "salvage/io/views.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::io {
namespace {

using namespace literals;
using test::fails_with;
using test::is_ok;

constexpr std::uint64_t header_bytes = 28;
constexpr std::uint64_t chunk_header_bytes = 12;

struct ChunkSeen {
    std::uint16_t type{};
    std::uint32_t blocks{};
    std::uint32_t word{};
    bool operator==(const ChunkSeen&) const = default;
};
constexpr std::uint16_t raw = 0xCAC1;
constexpr std::uint16_t fill = 0xCAC2;
constexpr std::uint16_t dont_care = 0xCAC3;

/// The chunks of an encoded piece, read by hand.
std::vector<ChunkSeen> chunks_of(ByteView piece)
{
    std::vector<ChunkSeen> out;
    for (std::size_t at = header_bytes; at < piece.size();) {
        const auto chunk = piece.subspan(at);
        const auto type = load_le<std::uint16_t>(chunk);
        out.push_back({.type = type,
                       .blocks = load_le<std::uint32_t>(chunk.subspan(4)),
                       .word = type == fill ? load_le<std::uint32_t>(chunk.subspan(12)) : 0});
        at += load_le<std::uint32_t>(chunk.subspan(8));
    }
    return out;
}

Bytes encoded(const SourcePtr& piece)
{
    const auto bytes = read_all(*piece, 64_MiB);
    EXPECT_TRUE(is_ok(bytes));
    return bytes.value_or(Bytes{});
}

/// Lays the pieces over `target` as a bootloader does: what is don't-care stays.
void lay_over(ByteView piece, Bytes& target, std::vector<int>& times_written)
{
    const auto block = load_le<std::uint32_t>(piece.subspan(12));
    ASSERT_EQ(std::uint64_t{load_le<std::uint32_t>(piece.subspan(16))} * block, target.size());
    std::size_t out = 0;
    for (std::size_t at = header_bytes; at < piece.size();) {
        const auto type = load_le<std::uint16_t>(piece.subspan(at));
        const auto size = std::size_t{load_le<std::uint32_t>(piece.subspan(at + 4))} * block;
        const auto body = piece.subspan(at + chunk_header_bytes);
        for (std::size_t i = 0; type != dont_care && i < size; ++i) {
            target.at(out + i) = body[type == raw ? i : i % 4];
            ++times_written.at(out + i);
        }
        out += size;
        at += load_le<std::uint32_t>(piece.subspan(at + 8));
    }
    ASSERT_EQ(out, target.size());
}

/// Blocks of `block` bytes named by letters: 'r' noise, '0' zeros, 'f' and 'g' words, 'h' a hole's worth of zeros.
Bytes image_of(std::string_view blocks, std::size_t block)
{
    std::mt19937 random{static_cast<unsigned>(blocks.size() * block)};
    Bytes out(blocks.size() * block);
    for (std::size_t i = 0; i < out.size(); ++i) {
        switch (blocks[i / block]) {
        case 'r': out[i] = static_cast<std::byte>(random() & 0xFFU); break;
        case 'f': out[i] = static_cast<std::byte>(0x11 * (i % 4 + 1)); break;
        case 'g': out[i] = std::byte{0xFF}; break;
        default: break;
        }
    }
    return out;
}

std::vector<SourcePtr> pieces_of(const SourcePtr& source, ByteCount max_piece)
{
    auto pieces = make_sparse_pieces(source, {.max_piece = max_piece});
    EXPECT_TRUE(is_ok(pieces));
    return pieces.value_or(std::vector<SourcePtr>{});
}

TEST(SparsePieces, AreChunksOfRawAndFillAndNeverDontCareForZeros)
{
    const auto pieces = pieces_of(make_memory(image_of("rr000ffgr", 4096), "image"), 1_MiB);
    ASSERT_EQ(pieces.size(), 1U);
    EXPECT_EQ(chunks_of(encoded(pieces.front())),
              (std::vector<ChunkSeen>{{.type = raw, .blocks = 2},
                                      {.type = fill, .blocks = 3, .word = 0},
                                      {.type = fill, .blocks = 2, .word = 0x44332211},
                                      {.type = fill, .blocks = 1, .word = 0xFFFFFFFF},
                                      {.type = raw, .blocks = 1}}));
}

TEST(SparsePieces, HaveDontCareOnlyAroundTheirOwnBlocks)
{
    // Room for two raw blocks and everything around them.
    const ByteCount two_blocks{header_bytes + 3 * chunk_header_bytes + 2 * 4096};
    const auto pieces = pieces_of(make_memory(image_of("rrrrr", 4096), "image"), two_blocks);
    ASSERT_EQ(pieces.size(), 3U);
    EXPECT_EQ(chunks_of(encoded(pieces[0])),
              (std::vector<ChunkSeen>{{.type = raw, .blocks = 2}, {.type = dont_care, .blocks = 3}}));
    EXPECT_EQ(chunks_of(encoded(pieces[1])),
              (std::vector<ChunkSeen>{
                  {.type = dont_care, .blocks = 2}, {.type = raw, .blocks = 2}, {.type = dont_care, .blocks = 1}}));
    EXPECT_EQ(chunks_of(encoded(pieces[2])),
              (std::vector<ChunkSeen>{{.type = dont_care, .blocks = 4}, {.type = raw, .blocks = 1}}));
    EXPECT_EQ(pieces[1]->size(), two_blocks);
}

TEST(SparsePieces, TakeTheLargestBlockThatDividesTheSize)
{
    const std::vector<std::pair<std::size_t, std::uint32_t>> cases{
        {8192, 4096}, {4096 + 2048, 2048}, {4096 + 3072, 1024}, {4096 + 512, 512}, {512, 512}};
    for (const auto& [size, block] : cases) {
        const auto pieces = pieces_of(make_memory(Bytes(size, std::byte{7}), "image"), 1_MiB);
        ASSERT_EQ(pieces.size(), 1U) << size;
        EXPECT_EQ(load_le<std::uint32_t>(ByteView{encoded(pieces.front())}.subspan(12)), block) << size;
    }
}

TEST(SparsePieces, RefuseWhatNoBlockDividesAndRoomForNoBlock)
{
    const auto odd = make_memory(Bytes(4097), "odd");
    EXPECT_TRUE(fails_with(make_sparse_pieces(odd, {.max_piece = 1_MiB}), ErrorCode::unsupported));
    const auto even = make_memory(Bytes(8192), "even");
    const ByteCount least{header_bytes + 3 * chunk_header_bytes + 4096};
    EXPECT_TRUE(is_ok(make_sparse_pieces(even, {.max_piece = least})));
    EXPECT_TRUE(fails_with(make_sparse_pieces(even, {.max_piece = least - ByteCount{1}}), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(make_sparse_pieces(even, {.max_piece = 0_B}), ErrorCode::invalid_argument));
    const auto vast = make_missing(ByteCount{std::uint64_t{4096} << 32U}, "vast");
    EXPECT_TRUE(fails_with(make_sparse_pieces(vast, {.max_piece = 1_MiB}), ErrorCode::unsupported));
}

TEST(SparsePieces, OfNothingAreNone)
{
    EXPECT_TRUE(pieces_of(make_memory({}, "empty"), 1_MiB).empty());
}

TEST(SparsePieces, TakeHolesAsZerosWithoutReadingThem)
{
    // Sixteen raw bytes, 4 GiB + 512 of nothing, and a raw block: read are only the blocks that are not all hole.
    const auto folder = test::TemporaryFolder{};
    const auto path = folder.write("holes.img", Bytes(16, std::byte{1}));
    constexpr std::uint64_t size = (std::uint64_t{4} << 30U) + 8192;
    std::filesystem::resize_file(path, size);
    ReadCounters counters;
    const auto file = open_file(path);
    ASSERT_TRUE(is_ok(file));
    const auto pieces = pieces_of(make_counting(*file, counters), 1_MiB);
    EXPECT_LE(counters.bytes, 65536U) << "holes were read";
    ASSERT_EQ(pieces.size(), 1U);
    std::uint64_t blocks = 0;
    for (const auto& chunk : chunks_of(encoded(pieces.front()))) {
        EXPECT_NE(chunk.type, dont_care);
        EXPECT_LE(std::uint64_t{chunk.blocks} * 4096, std::uint64_t{1} << 30U) << "readers count chunks in 32 bits";
        blocks += chunk.blocks;
    }
    EXPECT_EQ(blocks * 4096, size);
}

TEST(SparsePieces, ReadABlockThatIsOnlyPartlyAHole)
{
    // Holes of a file begin at multiples of 4096; a view 512 bytes further on has them within its blocks.
    const auto folder = test::TemporaryFolder{};
    const auto path = folder.write("holes.img", Bytes(4096, std::byte{1}));
    std::filesystem::resize_file(path, 4096 * 4 + 512);
    const auto file = open_file(path);
    ASSERT_TRUE(is_ok(file));
    const auto view = make_subrange(*file, ByteRange::between(ByteOffset{512}, ByteOffset{4096 * 4 + 512}), "view");
    ASSERT_TRUE(is_ok(view));
    const auto pieces = pieces_of(*view, 1_MiB);
    ASSERT_EQ(pieces.size(), 1U);
    EXPECT_EQ(chunks_of(encoded(pieces.front())),
              (std::vector<ChunkSeen>{{.type = raw, .blocks = 1}, {.type = fill, .blocks = 3, .word = 0}}));
}

TEST(SparsePieces, NeverTakeBadAreasForZeros)
{
    const auto image = make_concat({make_memory(Bytes(4096), "data"), make_missing(4096_B, "bad")}, "image");
    ASSERT_TRUE(is_ok(image));
    EXPECT_TRUE(fails_with(make_sparse_pieces(*image, {.max_piece = 1_MiB}), ErrorCode::unreadable));
}

TEST(SparsePieces, StopWhenAsked)
{
    std::stop_source stop;
    stop.request_stop();
    RunContext context;
    context.stop = stop.get_token();
    const auto image = make_memory(image_of("rr", 4096), "image");
    EXPECT_TRUE(fails_with(make_sparse_pieces(image, {.max_piece = 1_MiB}, context), ErrorCode::cancelled));
}

/// Images and limits by chance, seeded.
struct Chance {
    Bytes image;
    ByteCount max_piece;
};
Chance chance(unsigned seed)
{
    std::mt19937 random{seed};
    const std::size_t unit = std::size_t{512} << (random() % 4);
    const std::size_t blocks = 1 + random() % 40;
    std::string letters(blocks, 'r');
    for (std::size_t i = 1; i < letters.size(); ++i) {
        letters[i] = random() % 3 == 0 ? letters[i - 1] : "rr0fg0"[random() % 6];
    }
    const auto least = header_bytes + 3 * chunk_header_bytes + 4096;
    return {.image = image_of(letters, unit), .max_piece = ByteCount{least + random() % 60000}};
}

TEST(SparsePieces, LayEveryByteDownExactlyOnceWhateverTheSizeAndTheLimit)
{
    for (unsigned seed = 0; seed < 500; ++seed) {
        const auto [image, max_piece] = chance(seed);
        Bytes target(image.size(), std::byte{0xA5}); // another ROM's bytes
        std::vector<int> times_written(image.size(), 0);
        for (const auto& piece : pieces_of(make_memory(image, "image"), max_piece)) {
            ASSERT_LE(piece->size(), max_piece) << "seed " << seed;
            lay_over(encoded(piece), target, times_written);
        }
        ASSERT_EQ(target, image) << "seed " << seed;
        ASSERT_TRUE(std::ranges::all_of(times_written, [](int times) { return times == 1; })) << "seed " << seed;
    }
}

TEST(SparsePieces, AreReadByOurOwnReader)
{
    for (unsigned seed = 0; seed < 100; ++seed) {
        const auto [image, max_piece] = chance(seed);
        Bytes sum(image.size());
        for (const auto& piece : pieces_of(make_memory(image, "image"), max_piece)) {
            const auto unpacked = make_sparse(piece);
            ASSERT_TRUE(is_ok(unpacked)) << "seed " << seed;
            const auto bytes = read_all(**unpacked, 1_MiB);
            ASSERT_TRUE(is_ok(bytes));
            ASSERT_EQ(bytes->size(), image.size());
            // Each byte is in one piece and zero in all others.
            std::ranges::transform(sum, *bytes, sum.begin(), std::bit_or{});
        }
        ASSERT_EQ(sum, image) << "seed " << seed;
    }
}

std::string write_pieces(const test::TemporaryFolder& folder, const std::vector<SourcePtr>& pieces)
{
    std::string names;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        names += fmt::format(" '{}'", folder.write(fmt::format("piece{}.simg", i), encoded(pieces[i])).string());
    }
    return names;
}

TEST(SparsePieces, AreRebuiltBySimg2img)
{
    for (unsigned seed = 0; seed < 40; ++seed) {
        const auto [image, max_piece] = chance(seed);
        const test::TemporaryFolder folder;
        const auto names = write_pieces(folder, pieces_of(make_memory(image, "image"), max_piece));
        const auto rebuilt = folder.path() / "rebuilt.img";
        ASSERT_TRUE(test::run_command(fmt::format("simg2img{} '{}'", names, rebuilt.string())))
            << "simg2img (android-sdk-libsparse-utils) refused, seed " << seed;
        ASSERT_EQ(test::read_file(rebuilt), image) << "seed " << seed;
    }
}

TEST(SparsePieces, AreCountedBySimgDumpAsTheyAre)
{
    const auto image = image_of("rr00ffrgr", 4096);
    const test::TemporaryFolder folder;
    const auto names = write_pieces(folder, pieces_of(make_memory(image, "image"), 1_MiB));
    const auto said = test::run_command(fmt::format("simg_dump{}", names));
    ASSERT_TRUE(said) << "simg_dump (android-sdk-libsparse-utils) refused";
    EXPECT_NE(said->find("Total of 9 4096-byte output blocks in 6 input chunks"), std::string::npos) << *said;
}

TEST(SparsePieces, AreAsLargeAsLibsparseMakesThem)
{
    // img2simg makes don't-care of zeros, so the image has none.
    const auto image = image_of("rrffrgggrrrf", 4096);
    const test::TemporaryFolder folder;
    const auto path = folder.write("image.img", image);
    ASSERT_TRUE(test::run_command(fmt::format("img2simg '{}' '{}.simg'", path.string(), path.string())));
    const auto pieces = pieces_of(make_memory(image, "image"), 1_MiB);
    ASSERT_EQ(pieces.size(), 1U);
    EXPECT_EQ(encoded(pieces.front()), test::read_file(path.string() + ".simg"));
}

test::ContractCase contract_case()
{
    const auto make = [] {
        const auto image = image_of("rrrr00ffrrr", 4096);
        const auto pieces = pieces_of(make_memory(image, "raw.bin"), ByteCount{30000});
        EXPECT_GE(pieces.size(), 1U);
        // What a whole read gives is the truth that reads in bits are compared with.
        return test::ContractSubject{.source = pieces.back(), .expected = encoded(pieces.back()), .keep = {}};
    };
    return {.name = "SparsePiece", .make = make, .view = std::nullopt};
}

} // namespace
} // namespace salvage::io

namespace salvage::test {
INSTANTIATE_TEST_SUITE_P(Io, ByteSourceContract, ::testing::Values(io::contract_case()), contract_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ByteViewContract);
} // namespace salvage::test
