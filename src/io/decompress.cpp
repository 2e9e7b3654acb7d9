// Which packed files there are, and what the unpackers share.
#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "io/decompress_parts.hpp"

namespace salvage::io {
namespace {

constexpr std::size_t packed_bytes_at_once = std::size_t{64} << 10U;
constexpr std::size_t max_restart_points = 4096;
constexpr ByteCount magic_bytes{32};

enum class Compression : std::uint8_t {
    gzip,  ///< RFC 1952, one member after another
    zstd,  ///< RFC 8878, one frame after another
    zip,   ///< one deflated file in it
    other, ///< known and not unpacked here
};

struct Format {
    std::string_view magic;
    Compression compression;
    std::string_view name;
    std::string_view unpack; ///< a command that does it
};

using namespace std::string_view_literals;
/// Longer magics first where one begins like another.  Sources: RFC 1952, RFC 8878 (§3.1.1, §3.1.2), PKWARE APPNOTE
/// 4.3.7 and 4.3.16, the formats' own descriptions.
constexpr auto formats = std::to_array<Format>({
    {"\x1F\x8B\x08"sv, Compression::gzip, "gzip", "gunzip"},
    {"\x28\xB5\x2F\xFD"sv, Compression::zstd, "zstd", "unzstd"},
    {"PK\x03\x04"sv, Compression::zip, "zip", "unzip"},
    {"PK\x05\x06"sv, Compression::zip, "zip", "unzip"},
    {"7z\xBC\xAF\x27\x1C"sv, Compression::other, "7z", "7z x"},
    {"Rar!\x1A\x07"sv, Compression::other, "rar", "unrar x"},
    {"\xFD"
     "7zXZ\0"sv,
     Compression::other, "xz", "unxz"},
    {"\x04\x22\x4D\x18"sv, Compression::other, "lz4", "unlz4"},
});
/// "BZh", a digit for the block size, and the magic of the first block.
constexpr Format bzip2{"1AY&SY"sv, Compression::other, "bzip2", "bunzip2"};
/// A zstd file may begin with a skippable frame (pzstd's do): 50 to 5F, 2A 4D 18.
constexpr Format skippable{"\x2A\x4D\x18"sv, Compression::zstd, "zstd", "unzstd"};

const Format* format_of(ByteView first_bytes)
{
    const auto text = as_text(first_bytes);
    for (const auto& each : formats) {
        if (text.starts_with(each.magic)) {
            return &each;
        }
    }
    if (text.starts_with("BZh") && text.size() > 4 && text.substr(4).starts_with(bzip2.magic)) {
        return &bzip2;
    }
    const bool may_skip = !text.empty() && (static_cast<unsigned char>(text.front()) & 0xF0U) == 0x50U;
    return may_skip && text.substr(1).starts_with(skippable.magic) ? &skippable : nullptr;
}

} // namespace

std::optional<std::string_view> find_compression(ByteView first_bytes) noexcept
{
    const auto* const format = format_of(first_bytes);
    return format == nullptr ? std::nullopt : std::optional{format->name};
}

PackedInput::PackedInput(SourcePtr source, ByteOffset from)
    : source_{std::move(source)}, next_{std::min(from, ByteOffset{source_->size().value})}
{
}

Result<bool> PackedInput::fill()
{
    if (!rest_.empty()) {
        return true;
    }
    const auto left = source_->size().value - next_.value;
    block_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(packed_bytes_at_once, left)));
    SALVAGE_TRY(source_->read_at(next_, block_).in("reading a packed file"));
    next_ = next_ + ByteCount{block_.size()};
    rest_ = block_;
    return !rest_.empty();
}

void RestartPoints::add(RestartPoint point)
{
    if (point.unpacked.value - points_.back().unpacked.value < spacing_) {
        return;
    }
    if (points_.size() == max_restart_points) {
        std::size_t kept = 0;
        for (std::size_t i = 0; i < points_.size(); i += 2) {
            points_[kept++] = points_[i];
        }
        points_.resize(kept);
        spacing_ *= 2;
    }
    points_.push_back(point);
}

Error packed_malformed(const PackedInput& input, std::string_view what, std::string_view why)
{
    auto error = malformed(input.position(), what, why).with_hint("the file is damaged: get it anew");
    error.where = input.source().locate(input.position());
    return error;
}

Error packed_truncated(const PackedInput& input, std::string_view what)
{
    auto error = truncated(input.position(), what, "the file ends in the midst of it")
                     .with_hint("the file is not complete: get it anew");
    error.where = input.source().locate(input.position());
    return error;
}

Result<std::unique_ptr<Decompressor>> make_decompressor(SourcePtr packed, RestartPoint from)
{
    const auto head = SALVAGE_TRY(read_up_to(*packed, ByteOffset{0}, magic_bytes));
    const auto* const format = format_of(head);
    if (format == nullptr) {
        return unsupported("this file is not packed in a way that is known",
                           fmt::format("it begins with {}", to_spaced_hex(head, 8)));
    }
    switch (format->compression) {
    case Compression::gzip: return make_gzip_decompressor(std::move(packed), from);
    case Compression::zstd: return make_zstd_decompressor(std::move(packed), from);
    case Compression::zip: return make_zip_decompressor(packed);
    case Compression::other: break;
    }
    return unsupported(fmt::format("this file is packed as {}", format->name),
                       "gzip, zstd and a zip with one file in it are unpacked on the way",
                       fmt::format("unpack it with {} and name what was in it", format->unpack));
}

} // namespace salvage::io
