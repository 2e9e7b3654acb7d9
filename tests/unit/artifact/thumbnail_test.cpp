// Small pictures.  The photos are libjpeg-turbo's and so is the reading of what came out; which way up a picture stands
// is what EXIF 2.32 says of each number.
#include "salvage/artifact/thumbnail.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

#include <gtest/gtest.h>
#include <turbojpeg.h>

#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"
#include "support/assert_result.hpp"

namespace salvage::artifact {
namespace {

using test::fails_with;
using test::is_ok;

using Colour = std::array<int, 3>;
constexpr Colour red{220, 30, 30};
constexpr Colour green{30, 200, 30};
constexpr Colour blue{30, 30, 220};
constexpr Colour white{245, 245, 245};
constexpr std::size_t channels = 3;
constexpr std::uint32_t side = 384;

using Handle = std::unique_ptr<void, int (*)(void*)>;

struct Picture {
    int width{};
    int height{};
    Bytes pixels;

    /// Which of the four a pixel is nearest to.
    [[nodiscard]] Colour colour_at(double x, double y) const
    {
        const auto column = static_cast<std::size_t>(x * (width - 1));
        const auto row = static_cast<std::size_t>(y * (height - 1));
        const auto at = ((row * static_cast<std::size_t>(width)) + column) * channels;
        const auto distance = [&](const Colour& colour) {
            int out = 0;
            for (std::size_t i = 0; i < channels; ++i) {
                const auto difference = std::to_integer<int>(pixels.at(at + i)) - colour.at(i);
                out += difference * difference;
            }
            return out;
        };
        return std::ranges::min(std::array{red, green, blue, white}, {}, distance);
    }
};

/// Corners: red at the top left, green at the top right, blue at the bottom left, white at the bottom right.
Picture four_corners(int width, int height)
{
    Picture out{.width = width, .height = height, .pixels = {}};
    out.pixels.reserve(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * channels);
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            const bool is_left = x < width / 2;
            const auto& colour = y < height / 2 ? (is_left ? red : green) : (is_left ? blue : white);
            std::ranges::transform(colour, std::back_inserter(out.pixels),
                                   [](int value) { return static_cast<std::byte>(value); });
        }
    }
    return out;
}

Bytes jpeg_of(const Picture& picture, int flags = 0)
{
    const Handle encoder{tjInitCompress(), tjDestroy};
    unsigned char* made = nullptr;
    unsigned long size = 0; // NOLINT(google-runtime-int): as the library has it
    EXPECT_EQ(tjCompress2(encoder.get(), as_uchar(ByteView{picture.pixels}), picture.width, 0, picture.height, TJPF_RGB,
                          &made, &size, TJSAMP_444, 90, flags),
              0);
    const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owner{made, tjFree};
    const auto bytes = std::as_bytes(std::span{made, size});
    return Bytes{bytes.begin(), bytes.end()};
}

Bytes photo_of(int width, int height, int flags = 0)
{
    return jpeg_of(four_corners(width, height), flags);
}

Picture picture_of(ByteView jpeg)
{
    const Handle decoder{tjInitDecompress(), tjDestroy};
    Picture out;
    int sampling = 0;
    int colours = 0;
    EXPECT_EQ(
        tjDecompressHeader3(decoder.get(), as_uchar(jpeg), jpeg.size(), &out.width, &out.height, &sampling, &colours),
        0);
    out.pixels.resize(static_cast<std::size_t>(out.width) * static_cast<std::size_t>(out.height) * channels);
    EXPECT_EQ(tjDecompress2(decoder.get(), as_uchar(jpeg), jpeg.size(), as_uchar(std::span{out.pixels}), out.width, 0,
                            out.height, TJPF_RGB, 0),
              0);
    return out;
}

Result<Bytes> thumbnail_of(Bytes photo, const PhotoFacts& facts = {}, std::uint32_t longest = side)
{
    return make_thumbnail(*io::make_memory(std::move(photo), "photo"), facts, longest);
}

PhotoFacts turned_by(std::uint8_t orientation)
{
    PhotoFacts out;
    out.orientation = orientation;
    return out;
}

std::array<Colour, 4> corners_of(const Picture& picture)
{
    return {picture.colour_at(0.1, 0.1), picture.colour_at(0.9, 0.1), picture.colour_at(0.1, 0.9),
            picture.colour_at(0.9, 0.9)};
}

constexpr std::array as_stored{red, green, blue, white};

TEST(Thumbnail, IsAsSmallAsAskedAndKeepsItsShape)
{
    struct Size {
        int width;
        int height;
    };
    for (const auto& [width, height] : {Size{1, 1}, Size{7, 3}, Size{384, 384}, Size{385, 385}, Size{1600, 1200},
                                        Size{1200, 1600}, Size{3000, 1}, Size{1, 3000}, Size{767, 1023}}) {
        for (const std::uint32_t longest : {1U, 32U, side}) {
            const auto small = thumbnail_of(photo_of(width, height), {}, longest);
            ASSERT_TRUE(is_ok(small)) << width << " x " << height;
            const auto seen = picture_of(*small);
            const auto expected = std::min(std::max(width, height), static_cast<int>(longest));
            EXPECT_EQ(std::max(seen.width, seen.height), expected) << width << " x " << height;
            const auto scale = static_cast<double>(expected) / std::max(width, height);
            EXPECT_NEAR(seen.width, std::max(1.0, width * scale), 1.01);
            EXPECT_NEAR(seen.height, std::max(1.0, height * scale), 1.01);
        }
    }
    EXPECT_EQ(corners_of(picture_of(thumbnail_of(photo_of(1600, 1200)).unwrap())), as_stored);
    EXPECT_EQ(corners_of(picture_of(thumbnail_of(photo_of(1600, 1200, TJFLAG_PROGRESSIVE)).unwrap())), as_stored);
}

/// EXIF 2.32, 4.6.4, Orientation: which side of the upright picture the stored one's first row and first column are.
struct Stood {
    std::uint8_t orientation;
    std::string_view first_row;
    std::string_view first_column;
};

/// The corner of the upright picture at which two of its sides meet: 0 top left, 1 top right, 2 bottom left, 3.
std::size_t corner_of(std::string_view one, std::string_view other)
{
    const bool is_bottom = one == "bottom" || other == "bottom";
    const bool is_right = one == "right" || other == "right";
    return (is_bottom ? 2U : 0U) + (is_right ? 1U : 0U);
}

std::string_view opposite_of(std::string_view edge)
{
    return edge == "top" ? "bottom" : edge == "bottom" ? "top" : edge == "left" ? "right" : "left";
}

TEST(Thumbnail, StandsUprightWhicheverWayThePhoneWasHeld)
{
    for (const auto& [orientation, row, column] :
         {Stood{1, "top", "left"}, Stood{2, "top", "right"}, Stood{3, "bottom", "right"}, Stood{4, "bottom", "left"},
          Stood{5, "left", "top"}, Stood{6, "right", "top"}, Stood{7, "right", "bottom"}, Stood{8, "left", "bottom"}}) {
        const auto seen = picture_of(thumbnail_of(photo_of(1600, 1200), turned_by(orientation)).unwrap());
        const bool is_on_its_side = row == "left" || row == "right";
        EXPECT_EQ(seen.width, is_on_its_side ? 288 : 384) << int{orientation};
        EXPECT_EQ(seen.height, is_on_its_side ? 384 : 288) << int{orientation};
        const auto corners = corners_of(seen);
        EXPECT_EQ(corners.at(corner_of(row, column)), red) << int{orientation};
        EXPECT_EQ(corners.at(corner_of(row, opposite_of(column))), green) << int{orientation};
        EXPECT_EQ(corners.at(corner_of(opposite_of(row), column)), blue) << int{orientation};
        EXPECT_EQ(corners.at(corner_of(opposite_of(row), opposite_of(column))), white) << int{orientation};
    }
}

/// A photo with a preview behind it, of one colour.
Result<Bytes> thumbnail_with_preview(const Bytes& preview, std::uint64_t claimed)
{
    auto photo = photo_of(1600, 1200);
    const ByteOffset at{photo.size()};
    photo.insert(photo.end(), preview.begin(), preview.end());
    PhotoFacts facts;
    facts.width = 1600;
    facts.height = 1200;
    facts.thumbnail = ByteRange::make(at, ByteCount{claimed});
    return thumbnail_of(std::move(photo), facts);
}

Bytes blue_preview(int width, int height)
{
    auto picture = four_corners(width, height);
    for (std::size_t i = 0; i < picture.pixels.size(); ++i) {
        picture.pixels[i] = static_cast<std::byte>(blue.at(i % channels));
    }
    return jpeg_of(picture);
}

TEST(Thumbnail, IsThePreviewWhereThatIsOneOfThisPhoto)
{
    const auto preview = blue_preview(160, 120);
    const auto seen = picture_of(thumbnail_with_preview(preview, preview.size()).unwrap());
    EXPECT_EQ(seen.width, 160);
    EXPECT_EQ(corners_of(seen), (std::array{blue, blue, blue, blue}));
    // Of another shape, cut off, not there, no picture at all: the photo itself.
    const auto square = blue_preview(160, 160);
    const Bytes nonsense(5000, std::byte{0x55});
    for (const auto& [bad, claimed] : {std::pair{square, square.size()}, std::pair{preview, std::size_t{20}},
                                       std::pair{preview, std::size_t{1U << 30U}}, std::pair{nonsense, nonsense.size()},
                                       std::pair{Bytes{}, std::size_t{100}}}) {
        const auto small = thumbnail_with_preview(bad, claimed);
        ASSERT_TRUE(is_ok(small)) << claimed;
        EXPECT_EQ(corners_of(picture_of(*small)), as_stored) << claimed;
    }
}

TEST(Thumbnail, OfADamagedPhotoShowsWhatIsThere)
{
    auto photo = photo_of(1600, 1200);
    photo.resize(photo.size() * 2 / 3);
    const auto seen = picture_of(thumbnail_of(std::move(photo)).unwrap());
    EXPECT_EQ(seen.width, 384);
    EXPECT_EQ(seen.colour_at(0.1, 0.1), red);
    EXPECT_EQ(seen.colour_at(0.9, 0.1), green);
    EXPECT_EQ(seen.colour_at(0.1, 0.55), blue);
}

TEST(Thumbnail, SaysWhyThereIsNone)
{
    for (const std::string_view text :
         {"", "\xFF", "\xFF\xD8", "GIF89a", "\x89PNG\r\n\x1A\n", "a text, and no photo"}) {
        EXPECT_TRUE(fails_with(thumbnail_of(Bytes{as_bytes(text).begin(), as_bytes(text).end()}), ErrorCode::malformed))
            << text.size();
    }
    const auto photo = io::make_memory(photo_of(640, 480), "photo");
    const auto bad = io::make_with_bad_areas(photo, {ByteRange::make(ByteOffset{1000}, ByteCount{1}).value()});
    EXPECT_TRUE(fails_with(make_thumbnail(*bad, {}, side), ErrorCode::unreadable));
    const auto vast = io::make_memory(Bytes(static_cast<std::size_t>(max_photo_bytes.value) + 1), "vast");
    EXPECT_TRUE(fails_with(make_thumbnail(*vast, {}, side), ErrorCode::unsupported));
}

/// Position of the first marker of a kind.
std::size_t find_marker(const Bytes& jpeg, std::uint8_t kind, std::size_t from = 0)
{
    for (auto i = from; i + 1 < jpeg.size(); ++i) {
        if (jpeg[i] == std::byte{0xFF} && jpeg[i + 1] == static_cast<std::byte>(kind)) {
            return i;
        }
    }
    return jpeg.size();
}

// A few bytes may ask for gigabytes, or for minutes.
TEST(Thumbnail, DecodesNoBomb)
{
    auto vast = photo_of(16, 16);
    const auto header = find_marker(vast, 0xC0);
    ASSERT_LT(header, vast.size());
    vast[header + 5] = std::byte{0xFF}; // of the height
    vast[header + 7] = std::byte{0xFF}; // of the width: 65296 each
    EXPECT_TRUE(fails_with(thumbnail_of(vast), ErrorCode::unsupported));

    auto endless = photo_of(64, 64, TJFLAG_PROGRESSIVE);
    const auto scan = find_marker(endless, 0xDA);
    const auto end = find_marker(endless, 0xC4, scan);
    ASSERT_LT(end, endless.size());
    const Bytes once{endless.begin() + static_cast<std::ptrdiff_t>(scan),
                     endless.begin() + static_cast<std::ptrdiff_t>(end)};
    for (int i = 0; i < 2000; ++i) {
        endless.insert(endless.begin() + static_cast<std::ptrdiff_t>(end), once.begin(), once.end());
    }
    EXPECT_TRUE(fails_with(thumbnail_of(endless), ErrorCode::malformed));
}

TEST(Thumbnail, SurvivesEveryCutAndEveryChangedByte)
{
    for (const int flags : {0, TJFLAG_PROGRESSIVE}) {
        const auto photo = photo_of(40, 24, flags);
        const auto holds = [](const Result<Bytes>& small) {
            if (small.has_value()) {
                const auto seen = picture_of(*small);
                EXPECT_LE(std::max(seen.width, seen.height), 32);
            }
        };
        for (std::size_t i = 0; i < photo.size(); ++i) {
            holds(thumbnail_of(Bytes{photo.begin(), photo.begin() + static_cast<std::ptrdiff_t>(i)}, {}, 32));
            for (const auto change : {0x01U, 0x80U, 0xFFU}) {
                auto changed = photo;
                changed[i] ^= static_cast<std::byte>(change);
                holds(thumbnail_of(std::move(changed), turned_by(6), 32));
            }
        }
    }
}

} // namespace
} // namespace salvage::artifact
