// Small pictures by libjpeg-turbo: decoded scaled, averaged down, turned, encoded.  See docs/adr/0019-libturbojpeg.md.
#include "salvage/artifact/thumbnail.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <span>

#include <fmt/format.h>
#include <turbojpeg.h>

namespace salvage::artifact {
namespace {

constexpr int quality = 80;
constexpr std::size_t channels = 3;
// A preview that is squeezed into bars has another shape than its photo.
constexpr double max_shape_difference = 0.03;

struct CloseHandle {
    void operator()(void* handle) const noexcept { tjDestroy(handle); }
};
using Handle = std::unique_ptr<void, CloseHandle>;

struct Picture {
    std::uint32_t width{};
    std::uint32_t height{};
    Bytes pixels; ///< RGB, row by row
};

Error broken(void* handle)
{
    return Error{ErrorCode::malformed,
                 "the photo cannot be decoded",
                 handle == nullptr ? std::string{} : std::string{tjGetErrorStr2(handle)},
                 std::nullopt,
                 {},
                 {}};
}

struct Size {
    int width{};
    int height{};
};

Result<Size> size_of(void* decoder, ByteView jpeg)
{
    Size out;
    int sampling = 0;
    int colours = 0;
    if (tjDecompressHeader3(decoder, as_uchar(jpeg), jpeg.size(), &out.width, &out.height, &sampling, &colours) != 0) {
        return broken(decoder);
    }
    const auto pixels =
        static_cast<std::uint64_t>(std::max(out.width, 0)) * static_cast<std::uint64_t>(std::max(out.height, 0));
    if (pixels == 0) { // the library is content with two bytes
        return Error{ErrorCode::malformed, "the photo cannot be decoded", "it says nothing of its size", {}, {}, {}};
    }
    if (pixels > max_photo_pixels) {
        return unsupported("the photo is too large to be made small",
                           fmt::format("{} x {} pixels", out.width, out.height));
    }
    return out;
}

/// The smallest scale at which the picture still has `side` pixels a side; never more than its own size.
Size scaled_size(Size full, std::uint32_t side)
{
    int count = 0;
    const tjscalingfactor* const factors = tjGetScalingFactors(&count);
    auto best = full;
    for (const auto& factor : std::span{factors, static_cast<std::size_t>(std::max(count, 0))}) {
        const Size scaled{.width = TJSCALED(full.width, factor), .height = TJSCALED(full.height, factor)};
        const auto longest = static_cast<std::uint32_t>(std::max(scaled.width, scaled.height));
        if (longest >= side && scaled.width < best.width) {
            best = scaled;
        }
    }
    return best;
}

Result<Picture> decoded(ByteView jpeg, std::uint32_t side)
{
    const Handle decoder{tjInitDecompress()};
    if (!decoder) {
        return broken(nullptr);
    }
    const auto full = SALVAGE_TRY(size_of(decoder.get(), jpeg));
    const auto scaled = scaled_size(full, side);
    Picture out{.width = static_cast<std::uint32_t>(scaled.width),
                .height = static_cast<std::uint32_t>(scaled.height),
                .pixels = {}};
    out.pixels.resize(std::size_t{out.width} * out.height * channels);
    // A file of a thousand scans takes a minute to say nothing.
    const int done = tjDecompress2(decoder.get(), as_uchar(jpeg), jpeg.size(), as_uchar(std::span{out.pixels}),
                                   scaled.width, 0, scaled.height, TJPF_RGB, TJFLAG_LIMITSCANS);
    // A warning is a damaged photo of which the rest is there: its owner wants to see that.
    if (done != 0 && tjGetErrorCode(decoder.get()) != TJERR_WARNING) {
        return broken(decoder.get());
    }
    return out;
}

/// Averages boxes of pixels.
Picture shrunk(const Picture& picture, std::uint32_t side)
{
    const auto longest = std::max(picture.width, picture.height);
    if (longest <= side) {
        return picture;
    }
    const auto scaled = [&](std::uint32_t length) {
        return std::max<std::uint32_t>(1, static_cast<std::uint32_t>(std::uint64_t{length} * side / longest));
    };
    Picture out{.width = scaled(picture.width), .height = scaled(picture.height), .pixels = {}};
    out.pixels.resize(std::size_t{out.width} * out.height * channels);
    for (std::uint32_t y = 0; y < out.height; ++y) {
        const auto top = static_cast<std::uint32_t>(std::uint64_t{y} * picture.height / out.height);
        const auto bottom =
            std::max(top + 1, static_cast<std::uint32_t>(std::uint64_t{y + 1} * picture.height / out.height));
        for (std::uint32_t x = 0; x < out.width; ++x) {
            const auto left = static_cast<std::uint32_t>(std::uint64_t{x} * picture.width / out.width);
            const auto right =
                std::max(left + 1, static_cast<std::uint32_t>(std::uint64_t{x + 1} * picture.width / out.width));
            std::array<std::uint32_t, channels> sums{};
            for (auto row = top; row < bottom; ++row) {
                for (auto column = left; column < right; ++column) {
                    const auto at = ((std::size_t{row} * picture.width) + column) * channels;
                    for (std::size_t channel = 0; channel < channels; ++channel) {
                        sums.at(channel) += std::to_integer<std::uint32_t>(picture.pixels[at + channel]);
                    }
                }
            }
            const auto count = (bottom - top) * (right - left);
            const auto at = ((std::size_t{y} * out.width) + x) * channels;
            for (std::size_t channel = 0; channel < channels; ++channel) {
                out.pixels[at + channel] = static_cast<std::byte>(sums.at(channel) / count);
            }
        }
    }
    return out;
}

/// Where a pixel of the upright picture lies in the stored one (EXIF 2.32, 4.6.4, Orientation): 2 to 4 keep the sides,
/// 5 to 8 change them.
class Turn {
public:
    explicit Turn(std::uint8_t orientation) noexcept
        : is_on_its_side_{orientation >= 5},
          is_x_mirrored_{orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8},
          is_y_mirrored_{orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7}
    {
    }
    [[nodiscard]] bool is_on_its_side() const noexcept { return is_on_its_side_; }
    /// Index of the pixel in the stored picture.
    [[nodiscard]] std::size_t from(const Picture& stored, std::uint32_t x, std::uint32_t y) const noexcept
    {
        auto from_x = is_on_its_side_ ? y : x;
        auto from_y = is_on_its_side_ ? x : y;
        from_x = is_x_mirrored_ ? stored.width - 1 - from_x : from_x;
        from_y = is_y_mirrored_ ? stored.height - 1 - from_y : from_y;
        return (std::size_t{from_y} * stored.width) + from_x;
    }

private:
    bool is_on_its_side_;
    bool is_x_mirrored_;
    bool is_y_mirrored_;
};

Picture turned(Picture picture, std::uint8_t orientation)
{
    if (orientation < 2 || orientation > 8) {
        return picture;
    }
    const Turn turn{orientation};
    Picture out{.width = turn.is_on_its_side() ? picture.height : picture.width,
                .height = turn.is_on_its_side() ? picture.width : picture.height,
                .pixels = Bytes(picture.pixels.size())};
    for (std::uint32_t y = 0; y < out.height; ++y) {
        for (std::uint32_t x = 0; x < out.width; ++x) {
            const auto from = turn.from(picture, x, y) * channels;
            const auto to = ((std::size_t{y} * out.width) + x) * channels;
            std::copy_n(picture.pixels.begin() + static_cast<std::ptrdiff_t>(from), channels,
                        out.pixels.begin() + static_cast<std::ptrdiff_t>(to));
        }
    }
    return out;
}

Result<Bytes> encoded(const Picture& picture)
{
    const Handle encoder{tjInitCompress()};
    if (!encoder) {
        return broken(nullptr);
    }
    unsigned char* made = nullptr;
    unsigned long size = 0; // NOLINT(google-runtime-int): as the library has it
    const int done = tjCompress2(encoder.get(), as_uchar(picture.pixels), static_cast<int>(picture.width), 0,
                                 static_cast<int>(picture.height), TJPF_RGB, &made, &size, TJSAMP_420, quality, 0);
    const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owner{made, tjFree};
    if (done != 0) {
        return broken(encoder.get());
    }
    const auto view = std::as_bytes(std::span{made, size});
    return Bytes{view.begin(), view.end()};
}

/// The preview inside the photo, where it is one of this very photo.
std::optional<Bytes> preview_of(const io::ByteSource& photo, const PhotoFacts& facts)
{
    if (!facts.thumbnail || !facts.width || !facts.height || *facts.width == 0 || *facts.height == 0) {
        return std::nullopt;
    }
    auto bytes = io::read_bytes(photo, facts.thumbnail->start(), facts.thumbnail->size());
    const Handle decoder{tjInitDecompress()};
    if (!bytes.has_value() || !decoder) {
        return std::nullopt;
    }
    const auto size = size_of(decoder.get(), *bytes);
    if (!size.has_value()) {
        return std::nullopt;
    }
    const auto own = static_cast<double>(*facts.width) / *facts.height;
    const auto shape = static_cast<double>(size->width) / size->height;
    return std::abs((shape / own) - 1) <= max_shape_difference ? std::optional{*std::move(bytes)} : std::nullopt;
}

} // namespace

Result<Bytes> make_thumbnail(const io::ByteSource& photo, const PhotoFacts& facts, std::uint32_t side)
{
    if (const auto preview = preview_of(photo, facts)) {
        if (const auto small = decoded(*preview, side); small.has_value()) {
            return encoded(turned(shrunk(*small, side), facts.orientation));
        }
    }
    const auto jpeg = SALVAGE_TRY(io::read_all(photo, max_photo_bytes));
    const auto picture = SALVAGE_TRY(decoded(jpeg, side));
    return encoded(turned(shrunk(picture, side), facts.orientation));
}

} // namespace salvage::artifact
