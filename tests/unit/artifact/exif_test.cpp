#include "salvage/artifact/exif.hpp"

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "salvage/io/sources.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::artifact {
namespace {

using test::fails_with;
using test::is_ok;

/// A JPEG of 320 x 240 without a picture: start, frame header, end.
Bytes bare_jpeg()
{
    return from_hex("FFD8 FFE0 0010 4A46494600 0101 00 0001 0001 0000 FFC0 000B 08 00F0 0140 01 01 11 00 FFDA 0008 01 "
                    "01 00 00 3F 00 00 FFD9")
        .value();
}

/// What exiftool makes of a bare photo: a writer that we did not write.
Bytes photo_by_exiftool(const std::string& options)
{
    const test::TemporaryFolder folder;
    const auto path = folder.write("photo.jpg", bare_jpeg());
    if (!test::run_command("exiftool -q -q -m -overwrite_original " + options + " " + path.string())) {
        return {};
    }
    return test::read_file(path);
}

#define SALVAGE_PHOTO_OR_SKIP(variable, options)                                                                       \
    if (!test::run_command("command -v exiftool")) {                                                                   \
        GTEST_SKIP() << "exiftool is not installed";                                                                   \
    }                                                                                                                  \
    const auto variable = photo_by_exiftool(options);                                                                  \
    ASSERT_FALSE(variable.empty())

TEST(ArtifactExif, ReadsWhatExiftoolWrote)
{
    SALVAGE_PHOTO_OR_SKIP(
        photo, "-DateTimeOriginal='2017:06:01 14:30:59' -OffsetTimeOriginal=+02:00 -Orientation#=6 -Make=samsung "
               "-Model='SM-G900F' -GPSLatitude=48.8583 -GPSLatitudeRef=N -GPSLongitude=2.2945 -GPSLongitudeRef=W "
               "-GPSAltitude=35.5 -GPSAltitudeRef=0");
    const auto facts = parse_photo_facts(photo);
    ASSERT_TRUE(is_ok(facts));
    ASSERT_TRUE(facts->taken.has_value());
    EXPECT_EQ(facts->taken->local_seconds, 1'496'327'459);
    EXPECT_EQ(facts->taken->offset_minutes, 120);
    EXPECT_EQ(facts->orientation, 6);
    EXPECT_EQ(facts->make, "samsung");
    EXPECT_EQ(facts->model, "SM-G900F");
    EXPECT_EQ(facts->width, 320U);
    EXPECT_EQ(facts->height, 240U);
    ASSERT_TRUE(facts->place.has_value());
    EXPECT_NEAR(facts->place->latitude, 48.8583, 1e-5);
    EXPECT_NEAR(facts->place->longitude, -2.2945, 1e-5);
    EXPECT_NEAR(facts->place->altitude_metres.value_or(0), 35.5, 1e-5);
}

TEST(ArtifactExif, SaysNothingThatIsNotThere)
{
    const auto facts = parse_photo_facts(bare_jpeg());
    ASSERT_TRUE(is_ok(facts));
    EXPECT_FALSE(facts->taken.has_value());
    EXPECT_FALSE(facts->place.has_value());
    EXPECT_FALSE(facts->thumbnail.has_value());
    EXPECT_EQ(facts->orientation, 1);
    EXPECT_EQ(facts->width, 320U);

    SALVAGE_PHOTO_OR_SKIP(photo, "-Orientation#=3");
    const auto turned = parse_photo_facts(photo);
    ASSERT_TRUE(is_ok(turned));
    EXPECT_EQ(turned->orientation, 3);
    EXPECT_FALSE(turned->taken.has_value());
}

TEST(ArtifactExif, FindsTheThumbnail)
{
    const test::TemporaryFolder folder;
    const auto small = folder.write("small.jpg", bare_jpeg());
    SALVAGE_PHOTO_OR_SKIP(photo, "'-ThumbnailImage<=" + small.string() + "'");
    const auto facts = parse_photo_facts(photo);
    ASSERT_TRUE(is_ok(facts));
    ASSERT_TRUE(facts->thumbnail.has_value());
    EXPECT_EQ(Bytes(photo.begin() + static_cast<std::ptrdiff_t>(facts->thumbnail->start().value),
                    photo.begin() + static_cast<std::ptrdiff_t>(facts->thumbnail->end().value)),
              bare_jpeg());
}

TEST(ArtifactExif, BelievesNoImpossibleTimeAndPlace)
{
    SALVAGE_PHOTO_OR_SKIP(photo, "-n -DateTimeOriginal='2017:13:01 14:30:59' -GPSLatitude=0 -GPSLatitudeRef=N "
                                 "-GPSLongitude=0 -GPSLongitudeRef=E");
    const auto facts = parse_photo_facts(photo);
    ASSERT_TRUE(is_ok(facts));
    EXPECT_FALSE(facts->taken.has_value());
    EXPECT_FALSE(facts->place.has_value());
}

TEST(ArtifactExif, RefusesWhatIsNoPhoto)
{
    EXPECT_TRUE(fails_with(parse_photo_facts(as_bytes("GIF89a")), ErrorCode::not_found));
    EXPECT_TRUE(fails_with(parse_photo_facts({}), ErrorCode::not_found));
}

TEST(ArtifactExif, SurvivesEveryCutAndEveryChangedByte)
{
    SALVAGE_PHOTO_OR_SKIP(photo,
                          "-DateTimeOriginal='2017:06:01 14:30:59' -Orientation#=6 -Make=samsung -GPSLatitude=48.8 "
                          "-GPSLatitudeRef=N -GPSLongitude=2.2 -GPSLongitudeRef=E");
    for (std::size_t i = 0; i < photo.size(); ++i) {
        static_cast<void>(parse_photo_facts(ByteView{photo}.first(i)));
        for (const auto change : {0x01U, 0x80U, 0xFFU}) {
            auto changed = photo;
            changed[i] ^= static_cast<std::byte>(change);
            const auto facts = parse_photo_facts(changed);
            if (facts.has_value()) {
                EXPECT_GE(facts->orientation, 1);
                EXPECT_LE(facts->orientation, 8);
            }
        }
    }
}

} // namespace
} // namespace salvage::artifact
