// DRAM settings out of preloader images.
#include <gtest/gtest.h>

#include "salvage/device/preloader_image.hpp"
#include "support/assert_result.hpp"
#include "unit/device/phone_bench.hpp"

namespace salvage::test {
namespace {

using device::find_dram_settings;

struct Shape {
    std::size_t in_front{0};   ///< of the image: 0x800 in a dump of boot1
    std::size_t settings{300}; ///< bytes
    std::size_t padding{0};    ///< behind the settings' length
    std::size_t signature{0x100};
    std::size_t behind{0}; ///< of the image
};

Bytes image_of(const Shape& shape)
{
    constexpr std::size_t code_bytes = 0x1000;
    Bytes image(shape.in_front, std::byte{0xEE});
    Bytes body = pattern_bytes(code_bytes);
    std::ranges::copy(as_bytes(std::string_view{"MMM\x01\x38\0\0\0", 8}), body.begin());
    Bytes settings = pattern_bytes(shape.settings, 5);
    std::ranges::copy(as_bytes("MTK_BLOADER_INFO_v10"), settings.begin());
    body.insert(body.end(), settings.begin(), settings.end());
    body.resize(body.size() + 4);
    store_le<std::uint32_t>(std::span{body}.last(4), static_cast<std::uint32_t>(shape.settings));
    body.resize(body.size() + shape.padding + shape.signature);
    store_le<std::uint32_t>(std::span{body}.subspan(0x20), static_cast<std::uint32_t>(body.size()));
    store_le<std::uint32_t>(std::span{body}.subspan(0x2C), static_cast<std::uint32_t>(shape.signature));
    image.insert(image.end(), body.begin(), body.end());
    image.resize(image.size() + shape.behind, std::byte{0xFF});
    return image;
}

TEST(PreloaderImage, GivesTheSettingsFromTheirMarkerOn)
{
    for (const auto& shape : {Shape{}, Shape{.in_front = 0x800}, Shape{.padding = 0x800}, Shape{.signature = 0},
                              Shape{.behind = 12345}, Shape{.settings = 22}}) {
        const auto settings = find_dram_settings(image_of(shape));
        ASSERT_TRUE(is_ok(settings));
        EXPECT_EQ(settings->version, 10U);
        EXPECT_EQ(settings->bytes.size(), shape.settings);
        EXPECT_TRUE(as_text(settings->bytes).starts_with("MTK_BLOADER_INFO_v10"));
    }
}

TEST(PreloaderImage, SaysThatSomethingElseIsNone)
{
    EXPECT_TRUE(fails_with(find_dram_settings({}), ErrorCode::malformed));
    EXPECT_TRUE(fails_with(find_dram_settings(pattern_bytes(10'000)), ErrorCode::malformed));
}

TEST(PreloaderImage, CutAtEveryLengthIsAnError)
{
    const auto image = image_of({});
    for (std::size_t size = 0; size < image.size(); ++size) {
        EXPECT_TRUE(fails_with(find_dram_settings(ByteView{image}.first(size)), ErrorCode::malformed)) << size;
    }
}

TEST(PreloaderImage, RefusesSizesThatContradictTheFile)
{
    for (const std::size_t at : {0x20U, 0x2CU}) {
        auto image = image_of({});
        store_le<std::uint32_t>(std::span{image}.subspan(at), 0xFFFFFFFF);
        EXPECT_TRUE(fails_with(find_dram_settings(image), ErrorCode::malformed));
    }
    for (const std::uint32_t length : {0U, 1U, 21U, 0x10001U, 0xFFFFFFFFU}) {
        auto image = image_of({.signature = 0});
        store_le<std::uint32_t>(std::span{image}.last(4), length);
        EXPECT_TRUE(fails_with(find_dram_settings(image), ErrorCode::malformed)) << length;
    }
}

} // namespace
} // namespace salvage::test
