// The view of userdata in the clear: any range, whatever is wrong with the bytes below.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>

#include "salvage/crypto/hash.hpp"
#include "salvage/fde/unlock.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::fde {
namespace {

using io::ExtentKind;
using test::fails_with;
using test::is_ok;

constexpr std::string_view cipher_name = "aes-cbc-essiv:sha256";

Bytes noise(std::size_t size, std::uint64_t seed)
{
    Bytes bytes(size);
    for (auto& byte : bytes) {
        seed = (seed * 6364136223846793005ULL) + 1442695040888963407ULL;
        byte = static_cast<std::byte>(seed >> 56U);
    }
    return bytes;
}

const Bytes& volume_key()
{
    static const auto key = noise(16, 1);
    return key;
}

VolumeSpec volume_of(std::uint64_t length, SectorSize sector = sector_512())
{
    auto cipher = crypto::parse_cipher_name(cipher_name).unwrap();
    cipher.sector = sector;
    cipher.iv_counts_large_sectors = sector != sector_512();
    return VolumeSpec{.cipher = cipher, .length = ByteCount{length}, .encrypted_upto = {}};
}

Bytes enciphered(const VolumeSpec& volume, Bytes plain)
{
    const auto cipher = crypto::make_sector_cipher(volume.cipher, volume_key()).unwrap();
    cipher->encrypt(SectorIndex{0}, plain);
    return plain;
}

io::SourcePtr view_of(const VolumeSpec& volume, Bytes raw)
{
    return make_decrypting(io::make_memory(std::move(raw), "dump.bin"), volume, volume_key()).unwrap();
}

void expect_read(const io::ByteSource& source, std::uint64_t at, ByteView expected)
{
    Bytes got(expected.size(), std::byte{0x5A});
    ASSERT_TRUE(is_ok(source.read_at(ByteOffset{at}, got))) << at << " + " << got.size();
    ASSERT_TRUE(std::ranges::equal(got, expected)) << at << " + " << got.size();
}

std::vector<io::Extent> extents_of(const io::ByteSource& source, std::uint64_t at, std::uint64_t count)
{
    return source.extents(ByteRange::make(ByteOffset{at}, ByteCount{count}).value()).unwrap();
}

io::Extent extent(std::uint64_t start, std::uint64_t end, ExtentKind kind)
{
    return {.range = ByteRange::between(ByteOffset{start}, ByteOffset{end}), .kind = kind};
}

/// Where an error says the first bad byte is, in the view's own numbers.
std::uint64_t bad_byte(const Result<>& result)
{
    return result.error().where.value().chain.back().at.value;
}

class Decrypting : public ::testing::TestWithParam<std::uint64_t> {
protected:
    static SectorSize sector() { return SectorSize::make(GetParam()).value(); }
};

TEST_P(Decrypting, ReadsAnyRangeOfTheVolume)
{
    const std::uint64_t s = sector().bytes();
    const auto volume = volume_of(s * 7, sector());
    const auto plain = noise(s * 7, 2);
    const auto view = view_of(volume, enciphered(volume, plain));
    EXPECT_EQ(view->size(), volume.length);
    for (const std::uint64_t at :
         {std::uint64_t{0}, std::uint64_t{1}, s - 1, s, s + 1, (s * 3) + 17, (s * 7) - 1, s * 7}) {
        for (const std::uint64_t size :
             {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{15}, s - 1, s, s + 1, s * 2, s * 3 + 5, s * 7}) {
            if (at + size <= plain.size()) {
                expect_read(*view, at, ByteView{plain}.subspan(at, size));
            } else {
                Bytes into(size);
                EXPECT_TRUE(fails_with(view->read_at(ByteOffset{at}, into), ErrorCode::truncated));
            }
        }
    }
}

TEST_P(Decrypting, LosesWholeSectorsAroundUnreadableBytes)
{
    const std::uint64_t s = sector().bytes();
    const auto volume = volume_of(s * 8, sector());
    const auto plain = noise(s * 8, 3);
    // One bad byte in sector 2, and a stretch from the middle of sector 4 to the middle of sector 5.
    auto raw = io::make_with_bad_areas(io::make_memory(enciphered(volume, plain), "dump.bin"),
                                       {ByteRange::make(ByteOffset{(s * 2) + 100}, ByteCount{1}).value(),
                                        ByteRange::make(ByteOffset{(s * 4) + 300}, ByteCount{s}).value()});
    const auto view = make_decrypting(std::move(raw), volume, volume_key()).unwrap();
    EXPECT_EQ(extents_of(*view, 0, s * 8),
              (std::vector{extent(0, s * 2, ExtentKind::data), extent(s * 2, s * 3, ExtentKind::unreadable),
                           extent(s * 3, s * 4, ExtentKind::data), extent(s * 4, s * 6, ExtentKind::unreadable),
                           extent(s * 6, s * 8, ExtentKind::data)}));
    EXPECT_EQ(extents_of(*view, (s * 2) + 7, 3),
              (std::vector{extent((s * 2) + 7, (s * 2) + 10, ExtentKind::unreadable)}));
    EXPECT_EQ(extents_of(*view, (s * 3) - 1, 2), (std::vector{extent((s * 3) - 1, s * 3, ExtentKind::unreadable),
                                                              extent(s * 3, (s * 3) + 1, ExtentKind::data)}));
    expect_read(*view, 0, ByteView{plain}.first(s * 2));
    expect_read(*view, s * 3, ByteView{plain}.subspan(s * 3, s));
    expect_read(*view, s * 6, ByteView{plain}.subspan(s * 6));

    Bytes all(s * 8);
    const auto whole = view->read_at(ByteOffset{0}, all);
    ASSERT_TRUE(fails_with(whole, ErrorCode::unreadable));
    EXPECT_EQ(bad_byte(whole), s * 2);
    Bytes one(1);
    const auto inside = view->read_at(ByteOffset{(s * 2) + 7}, one);
    ASSERT_TRUE(fails_with(inside, ErrorCode::unreadable)) << "that byte can be read, its sector cannot be deciphered";
    EXPECT_EQ(bad_byte(inside), (s * 2) + 7);
}

TEST_P(Decrypting, CallsTheTailOfACutDumpUnreadable)
{
    const std::uint64_t s = sector().bytes();
    const auto volume = volume_of(s * 6, sector());
    const auto plain = noise(s * 6, 4);
    const auto raw = enciphered(volume, plain);
    for (const std::uint64_t cut : {std::uint64_t{0}, std::uint64_t{1}, s - 1, s, s + 1, (s * 3) + 16, (s * 6) - 1}) {
        const auto view = view_of(volume, Bytes{raw.begin(), raw.begin() + static_cast<std::ptrdiff_t>(cut)});
        EXPECT_EQ(view->size(), volume.length);
        const auto readable = cut - (cut % s);
        expect_read(*view, 0, ByteView{plain}.first(readable));
        Bytes byte(1);
        const auto beyond = view->read_at(ByteOffset{readable}, byte);
        ASSERT_TRUE(fails_with(beyond, ErrorCode::unreadable)) << "cut at " << cut;
        EXPECT_EQ(bad_byte(beyond), readable);
        auto expected = std::vector{extent(readable, s * 6, ExtentKind::unreadable)};
        if (readable != 0) {
            expected.insert(expected.begin(), extent(0, readable, ExtentKind::data));
        }
        EXPECT_EQ(extents_of(*view, 0, s * 6), expected) << "cut at " << cut;
    }
}

TEST_P(Decrypting, LeavesWhatWasNeverEncryptedAsItIs)
{
    const std::uint64_t s = sector().bytes();
    auto volume = volume_of(s * 6, sector());
    volume.encrypted_upto = ByteCount{s * 2};
    const auto plain = noise(s * 6, 5);
    auto raw = enciphered(volume, Bytes{plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(s * 2)});
    raw.insert(raw.end(), plain.begin() + static_cast<std::ptrdiff_t>(s * 2), plain.end());
    const auto view = view_of(volume, raw);
    expect_read(*view, 0, plain);
    expect_read(*view, (s * 2) - 3, ByteView{plain}.subspan((s * 2) - 3, 6));
    expect_read(*view, (s * 2) + 1, ByteView{plain}.subspan((s * 2) + 1, s));
    // In the plain part a bad byte is a bad byte, and a cut is where the dump ends.
    const auto cut = (s * 4) + 5;
    auto bad = io::make_with_bad_areas(
        io::make_memory(Bytes{raw.begin(), raw.begin() + static_cast<std::ptrdiff_t>(cut)}, "dump.bin"),
        {ByteRange::make(ByteOffset{(s * 3) + 9}, ByteCount{2}).value()});
    const auto damaged = make_decrypting(std::move(bad), volume, volume_key()).unwrap();
    EXPECT_EQ(extents_of(*damaged, 0, s * 6),
              (std::vector{extent(0, (s * 3) + 9, ExtentKind::data),
                           extent((s * 3) + 9, (s * 3) + 11, ExtentKind::unreadable),
                           extent((s * 3) + 11, cut, ExtentKind::data), extent(cut, s * 6, ExtentKind::unreadable)}));
    expect_read(*damaged, (s * 3) + 11, ByteView{plain}.subspan((s * 3) + 11, cut - (s * 3) - 11));
    Bytes two(2);
    const auto beyond = damaged->read_at(ByteOffset{cut - 1}, two);
    ASSERT_TRUE(fails_with(beyond, ErrorCode::unreadable));
    EXPECT_EQ(bad_byte(beyond), cut);
}

INSTANTIATE_TEST_SUITE_P(SectorSizes, Decrypting, ::testing::Values(512, 4096));

/// A source that is all hole: what a never-written part of a sparse dump is.
class Hole final : public io::ByteSource {
public:
    explicit Hole(ByteCount size) : size_{size} {}
    ByteCount size() const noexcept override { return size_; }
    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        SALVAGE_TRY(io::check_range(*this, at, ByteCount{into.size()}));
        std::ranges::fill(into, std::byte{0});
        return {};
    }
    Result<std::vector<io::Extent>> extents(ByteRange range) const override
    {
        return std::vector{io::Extent{.range = range, .kind = ExtentKind::hole}};
    }
    Location locate(ByteOffset at) const override { return Location{{Place{.source = "hole", .at = at}}}; }

private:
    ByteCount size_;
};

TEST(DecryptingView, TakesHolesForDataWhereTheyAreDeciphered)
{
    auto volume = volume_of(8192);
    volume.encrypted_upto = ByteCount{2048};
    const auto view = make_decrypting(std::make_shared<Hole>(ByteCount{8192}), volume, volume_key()).unwrap();
    EXPECT_EQ(extents_of(*view, 0, 8192),
              (std::vector{extent(0, 2048, ExtentKind::data), extent(2048, 8192, ExtentKind::hole)}));
    Bytes sector(512);
    ASSERT_TRUE(is_ok(view->read_at(ByteOffset{0}, sector)));
    EXPECT_FALSE(is_all_zero(sector));
    ASSERT_TRUE(is_ok(view->read_at(ByteOffset{2048}, sector)));
    EXPECT_TRUE(is_all_zero(sector));
}

TEST(DecryptingView, EndsWhereTheVolumeEndsNotWhereThePartitionDoes)
{
    const auto volume = volume_of(4096);
    const auto plain = noise(4096, 6);
    auto raw = enciphered(volume, plain);
    raw.resize(4096 + 16384); // the footer's place
    const auto view = view_of(volume, raw);
    expect_read(*view, 0, plain);
    Bytes byte(1);
    EXPECT_TRUE(fails_with(view->read_at(ByteOffset{4096}, byte), ErrorCode::truncated));
    EXPECT_TRUE(is_ok(view->read_at(ByteOffset{4096}, {})));
    EXPECT_TRUE(fails_with(view->extents(ByteRange::first(ByteCount{4097})), ErrorCode::truncated));
}

TEST(DecryptingView, CallsAPieceOfASectorAtTheEndUnreadable)
{
    const auto volume = volume_of(4096 + 512, sector_4096());
    const auto plain = noise(4096, 7);
    auto raw = enciphered(volume, plain);
    raw.resize(8192);
    const auto view = view_of(volume, raw);
    expect_read(*view, 0, plain);
    EXPECT_EQ(extents_of(*view, 0, 4608),
              (std::vector{extent(0, 4096, ExtentKind::data), extent(4096, 4608, ExtentKind::unreadable)}));
}

TEST(DecryptingView, LeadsBackToTheDump)
{
    const auto view = view_of(volume_of(4096), Bytes(4096));
    const auto where = view->locate(ByteOffset{1000});
    ASSERT_EQ(where.chain.size(), 2U);
    EXPECT_EQ(where.chain.front(), (Place{.source = "dump.bin", .at = ByteOffset{1000}}));
    EXPECT_EQ(where.chain.back(), (Place{.source = "decrypted", .at = ByteOffset{1000}}));
}

TEST(DecryptingView, RefusesAKeyThatDoesNotFit)
{
    EXPECT_TRUE(fails_with(make_decrypting(io::make_memory(Bytes(512), "x"), volume_of(512), Bytes(20)),
                           ErrorCode::invalid_argument));
}

TEST(DecryptingView, SurvivesVolumesOfImpossibleSize)
{
    auto volume = volume_of(~std::uint64_t{0}, sector_4096());
    volume.encrypted_upto = ByteCount{~std::uint64_t{0}};
    const auto view = view_of(volume, Bytes(4096));
    Bytes two(2);
    const auto end = view->read_at(ByteOffset{~std::uint64_t{0} - 2}, two);
    EXPECT_TRUE(fails_with(end, ErrorCode::unreadable));
    EXPECT_EQ(extents_of(*view, 0, ~std::uint64_t{0}).size(), 2U);
}

TEST(DecryptingView, DeciphersAVolumeWrittenByALinuxKernel)
{
    SALVAGE_FOREIGN_OR_SKIP(image, "dmcrypt/small-cbc-essiv-128.ext4.img.zst");
    const test::TemporaryFolder folder;
    const auto unpacked = folder.path() / "userdata.img";
    if (!test::run_command("zstd -dq '" + image.string() + "' -o '" + unpacked.string() + "'")) {
        GTEST_SKIP() << "zstd is not installed";
    }
    // Key and hash stand in the .json beside the image.
    const auto key = from_hex("aa9c2dd12dcfb9d9b83bb4a83d9a7034").unwrap();
    const auto view = make_decrypting(io::open_file(unpacked).unwrap(), volume_of(16760832), key).unwrap();
    // In pieces that fit no sector, from several threads.
    Bytes data(16760832);
    {
        constexpr std::size_t threads = 4;
        const auto share = data.size() / threads;
        std::vector<std::jthread> workers;
        for (std::size_t i = 0; i < threads; ++i) {
            workers.emplace_back([&, i] {
                constexpr std::size_t piece = 300'007;
                for (std::size_t at = 0; at < share; at += piece) {
                    const auto from = (i * share) + at;
                    EXPECT_TRUE(is_ok(
                        view->read_at(ByteOffset{from}, std::span{data}.subspan(from, std::min(piece, share - at)))));
                }
            });
        }
    }
    EXPECT_EQ(to_hex(crypto::sha256(data)), "7a44317e161015101eadd7b72124f43fe70b3b14e3671d4bdcf1b49c06013260");
}

} // namespace
} // namespace salvage::fde
