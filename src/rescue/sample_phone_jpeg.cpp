// A small baseline JPEG encoder: 4:4:4, the example tables of ITU-T T.81 Annex K, 8x8 DCT in floating point.
#include "sample_phone_jpeg.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <span>

namespace salvage::rescue::sample {
namespace {

constexpr std::size_t side = 8;
constexpr std::size_t block_values = side * side;
using Block = std::array<float, block_values>;

/// Order in which coefficients are stored, T.81 figure 5.
constexpr std::array<std::uint8_t, block_values> zigzag{0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,
                                                        12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28,
                                                        35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
                                                        58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

/// Luminance quantisation of T.81 table K.1, used for all three components: the pictures are smooth.
constexpr std::array<std::uint8_t, block_values> quantisation{
    16, 11,  10,  16, 24, 40, 51, 61, 12,  12,  14,  19,  26, 58, 60, 55,  14,  13,  16,  24, 40, 57,
    69, 56,  14,  17, 22, 29, 51, 87, 80,  62,  18,  22,  37, 56, 68, 109, 103, 77,  24,  35, 55, 64,
    81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98,  112, 100, 103, 99};

/// Code lengths and symbols of T.81 tables K.3 (DC) and K.5 (AC).
constexpr std::array<std::uint8_t, 16> dc_counts{0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0};
constexpr std::array<std::uint8_t, 12> dc_symbols{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
constexpr std::array<std::uint8_t, 16> ac_counts{0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125};
constexpr std::array<std::uint8_t, 162> ac_symbols{
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71,
    0x14, 0x32, 0x81, 0x91, 0xA1, 0x08, 0x23, 0x42, 0xB1, 0xC1, 0x15, 0x52, 0xD1, 0xF0, 0x24, 0x33, 0x62, 0x72,
    0x82, 0x09, 0x0A, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x34, 0x35, 0x36, 0x37,
    0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
    0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x83,
    0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3,
    0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3,
    0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA, 0xE1, 0xE2,
    0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0xFA};

struct Code {
    std::uint16_t bits{};
    std::uint8_t length{};
};
using Codes = std::array<Code, 256>;

/// Codes in order of length, T.81 annex C.
Codes make_codes(std::span<const std::uint8_t> counts, std::span<const std::uint8_t> symbols)
{
    Codes out{};
    std::uint16_t next = 0;
    std::size_t symbol = 0;
    for (std::size_t length = 1; length <= counts.size(); ++length) {
        for (unsigned i = 0; i < counts[length - 1]; ++i) {
            out.at(symbols[symbol]) = {.bits = next, .length = static_cast<std::uint8_t>(length)};
            ++next;
            ++symbol;
        }
        next = static_cast<std::uint16_t>(next << 1U);
    }
    return out;
}

class Writer {
public:
    void byte(unsigned value) { out_.push_back(static_cast<std::byte>(value & 0xFFU)); }
    void word(unsigned value)
    {
        byte(value >> 8U);
        byte(value);
    }
    void text(std::string_view value)
    {
        for (const char c : value) {
            byte(static_cast<unsigned char>(c));
        }
    }
    void table(std::span<const std::uint8_t> values)
    {
        for (const auto value : values) {
            byte(value);
        }
    }
    void bits(unsigned value, unsigned count)
    {
        for (unsigned i = count; i-- > 0;) {
            pending_ = (pending_ << 1U) | ((value >> i) & 1U);
            if (++pending_count_ == 8) {
                byte(pending_);
                if ((pending_ & 0xFFU) == 0xFF) {
                    byte(0); // an FF of data is followed by 00, T.81 F.1.2.3
                }
                pending_count_ = 0;
            }
        }
    }
    void flush_bits()
    {
        while (pending_count_ != 0) {
            bits(1, 1);
        }
    }
    [[nodiscard]] Bytes take() { return std::move(out_); }

private:
    Bytes out_;
    unsigned pending_{};
    unsigned pending_count_{};
};

/// EXIF with make, model and DateTimeOriginal: TIFF, big endian, two directories (CIPA DC-008 4.6).
void write_exif(Writer& out, std::string_view taken)
{
    constexpr std::string_view make{"SALVAGE"};
    constexpr std::string_view model{"K10 SAMPLE"};
    constexpr unsigned values_at = 8 + 2 + (3 * 12) + 4; // after IFD0
    constexpr unsigned model_at = values_at + make.size() + 1;
    constexpr unsigned exif_at = model_at + model.size() + 1 + 1; // even
    constexpr unsigned taken_at = exif_at + 2 + 12 + 4;
    const auto tiff_bytes = taken_at + static_cast<unsigned>(taken.size()) + 1;
    const auto entry = [&](unsigned tag, unsigned type, unsigned count, unsigned value) {
        out.word(tag);
        out.word(type);
        out.word(0);
        out.word(count);
        out.word(0);
        out.word(value);
    };
    out.word(0xFFE1);
    out.word(2 + 6 + tiff_bytes);
    out.text({"Exif\0\0", 6});
    out.text({"MM\0\x2A\0\0\0\x08", 8});
    out.word(3);
    entry(0x010F, 2, make.size() + 1, values_at);
    entry(0x0110, 2, model.size() + 1, model_at);
    entry(0x8769, 4, 1, exif_at);
    out.word(0);
    out.word(0);
    out.text(make);
    out.byte(0);
    out.text(model);
    out.word(0);
    out.word(1);
    entry(0x9003, 2, static_cast<unsigned>(taken.size()) + 1, taken_at);
    out.word(0);
    out.word(0);
    out.text(taken);
    out.byte(0);
}

void write_huffman_table(Writer& out, unsigned id, std::span<const std::uint8_t> counts,
                         std::span<const std::uint8_t> symbols)
{
    out.word(0xFFC4);
    out.word(static_cast<unsigned>(2 + 1 + counts.size() + symbols.size()));
    out.byte(id);
    out.table(counts);
    out.table(symbols);
}

void write_headers(Writer& out, const PhotoSpec& spec)
{
    out.word(0xFFD8);
    write_exif(out, spec.taken);
    out.word(0xFFDB);
    out.word(2 + 1 + block_values);
    out.byte(0);
    for (const auto at : zigzag) {
        out.byte(quantisation.at(at));
    }
    out.word(0xFFC0);
    out.word(8 + (3 * 3));
    out.byte(8);
    out.word(spec.height);
    out.word(spec.width);
    out.byte(3);
    for (unsigned component = 1; component <= 3; ++component) {
        out.byte(component);
        out.byte(0x11);
        out.byte(0);
    }
    write_huffman_table(out, 0x00, dc_counts, dc_symbols);
    write_huffman_table(out, 0x10, ac_counts, ac_symbols);
    out.word(0xFFDA);
    out.word(6 + (2 * 3));
    out.byte(3);
    for (unsigned component = 1; component <= 3; ++component) {
        out.byte(component);
        out.byte(0x00);
    }
    out.byte(0);
    out.byte(block_values - 1);
    out.byte(0);
}

Block make_cosines()
{
    Block table{};
    for (std::size_t u = 0; u < side; ++u) {
        for (std::size_t x = 0; x < side; ++x) {
            const double scale = u == 0 ? std::numbers::sqrt2 / 4 : 0.5;
            const double angle = static_cast<double>((2 * x) + 1) * static_cast<double>(u) * std::numbers::pi / 16;
            table.at((u * side) + x) = static_cast<float>(scale * std::cos(angle));
        }
    }
    return table;
}

/// Separable two-dimensional DCT, T.81 A.3.3.
Block transform(const Block& input)
{
    static const auto cosines = make_cosines();
    Block rows{};
    Block out{};
    for (std::size_t y = 0; y < side; ++y) {
        for (std::size_t u = 0; u < side; ++u) {
            for (std::size_t x = 0; x < side; ++x) {
                rows[(y * side) + u] += input[(y * side) + x] * cosines[(u * side) + x];
            }
        }
    }
    for (std::size_t v = 0; v < side; ++v) {
        for (std::size_t u = 0; u < side; ++u) {
            for (std::size_t y = 0; y < side; ++y) {
                out[(v * side) + u] += rows[(y * side) + u] * cosines[(v * side) + y];
            }
        }
    }
    return out;
}

class BlockCoder {
public:
    explicit BlockCoder(Writer& out) : out_{&out} {}

    void encode(const Block& samples, int& last_dc)
    {
        const auto coefficients = transform(samples);
        std::array<int, block_values> values{};
        for (std::size_t i = 0; i < block_values; ++i) {
            const auto at = zigzag.at(i);
            values.at(i) = static_cast<int>(std::lround(coefficients.at(at) / static_cast<float>(quantisation.at(at))));
        }
        const int difference = values[0] - last_dc;
        last_dc = values[0];
        symbol(dc_.at(magnitude_bits(difference)));
        magnitude(difference);
        unsigned zeros = 0;
        for (std::size_t i = 1; i < block_values; ++i) {
            if (values.at(i) == 0) {
                ++zeros;
                continue;
            }
            for (; zeros > 15; zeros -= 16) {
                symbol(ac_.at(0xF0));
            }
            symbol(ac_.at((zeros << 4U) | magnitude_bits(values.at(i))));
            magnitude(values.at(i));
            zeros = 0;
        }
        if (zeros != 0) {
            symbol(ac_.at(0));
        }
    }

private:
    static unsigned magnitude_bits(int value)
    {
        unsigned bits = 0;
        for (auto rest = static_cast<unsigned>(std::abs(value)); rest != 0; rest >>= 1U) {
            ++bits;
        }
        return bits;
    }
    void symbol(Code code) { out_->bits(code.bits, code.length); }
    void magnitude(int value)
    {
        const auto bits = magnitude_bits(value);
        const auto coded = value >= 0 ? static_cast<unsigned>(value) : static_cast<unsigned>(value + (1 << bits) - 1);
        out_->bits(coded, bits);
    }

    Writer* out_;
    Codes dc_{make_codes(dc_counts, dc_symbols)};
    Codes ac_{make_codes(ac_counts, ac_symbols)};
};

/// The scene in Y, Cb, Cr around zero.
std::array<float, 3> colour_at(const PhotoSpec& spec, unsigned x, unsigned y)
{
    const auto across = static_cast<float>(x) / static_cast<float>(spec.width);
    const auto down = static_cast<float>(y) / static_cast<float>(spec.height);
    const auto sun_x = 0.2F + (0.6F * static_cast<float>(spec.look % 17) / 16.0F);
    const auto sun_y = 0.2F + (0.3F * static_cast<float>(spec.look % 11) / 10.0F);
    const auto warmth = 20.0F + (40.0F * static_cast<float>(spec.look % 7) / 6.0F);
    const bool is_water = down > 0.62F;
    const auto sky = 60.0F - (90.0F * down);
    const auto ripple = is_water ? 14.0F * std::sin(down * 160.0F + across * 20.0F) : 0.0F;
    const auto distance = std::hypot(across - sun_x, (is_water ? 1.24F - down : down) - sun_y);
    const auto glow = 70.0F * std::exp(-distance * (is_water ? 9.0F : 14.0F));
    const auto luma = std::clamp((is_water ? -40.0F : sky) + ripple + glow, -127.0F, 127.0F);
    return {luma, 25.0F - (warmth * down) - (glow * 0.4F), (warmth * down) + (glow * 0.3F) - 10.0F};
}

} // namespace

Bytes make_photo(const PhotoSpec& spec)
{
    Writer out;
    write_headers(out, spec);
    BlockCoder coder{out};
    std::array<int, 3> last_dc{};
    for (unsigned top = 0; top < spec.height; top += side) {
        for (unsigned left = 0; left < spec.width; left += side) {
            std::array<Block, 3> blocks{};
            for (std::size_t i = 0; i < block_values; ++i) {
                const auto colour =
                    colour_at(spec, left + static_cast<unsigned>(i % side), top + static_cast<unsigned>(i / side));
                for (std::size_t component = 0; component < 3; ++component) {
                    blocks.at(component).at(i) = colour.at(component);
                }
            }
            for (std::size_t component = 0; component < 3; ++component) {
                coder.encode(blocks.at(component), last_dc.at(component));
            }
        }
    }
    out.flush_bits();
    out.word(0xFFD9);
    return out.take();
}

} // namespace salvage::rescue::sample
