// The way to a movie's header: boxes in a file, and boxes in one of them.
#include "salvage/artifact/movie.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "salvage/core/bytes.hpp"

namespace salvage::artifact {
namespace {

// Phones write a handful; a file that was made to be walked for ever is given up.
constexpr int max_boxes = 1000;
constexpr std::size_t mvhd_bytes = 32; // of the longer form, up to the duration's end
// A thousand hours: more fits on no phone.
constexpr double longest_seconds = 3.6e6;

struct Box {
    std::array<char, 4> type{};
    ByteRange content;

    [[nodiscard]] bool is(std::string_view name) const noexcept { return std::ranges::equal(type, name); }
};

Result<Box> read_box(const io::ByteSource& movie, ByteRange parent, ByteOffset at)
{
    constexpr std::uint64_t head_bytes = 8;
    constexpr std::uint64_t long_head_bytes = 16;
    const auto left = (parent.end() - at).value;
    const auto head = SALVAGE_TRY(io::read_up_to(movie, at, ByteCount{std::min(left, long_head_bytes)}));
    if (head.size() < head_bytes) {
        return malformed(at, "a box is cut off");
    }
    Box out;
    std::ranges::transform(ByteView{head}.subspan(4, out.type.size()), out.type.begin(),
                           [](std::byte byte) { return std::to_integer<char>(byte); });
    std::uint64_t size = load_be<std::uint32_t>(head);
    auto header = head_bytes;
    if (size == 1 && head.size() == long_head_bytes) {
        size = load_be<std::uint64_t>(ByteView{head}.subspan(head_bytes));
        header = long_head_bytes;
    } else if (size == 0) { // to the end
        size = left;
    }
    if (size < header) {
        return malformed(at, "a box is smaller than its own head");
    }
    // What is cut off at the file's end is looked into as far as it is there.
    out.content = ByteRange::between(at + ByteCount{header}, at + ByteCount{std::max(header, std::min(size, left))});
    return out;
}

/// The first box of that name.  Errors: not_found; malformed, unreadable, io.
Result<Box> find_box(const io::ByteSource& movie, ByteRange parent, std::string_view name)
{
    auto at = parent.start();
    for (int i = 0; i < max_boxes && at < parent.end(); ++i) {
        const auto box = SALVAGE_TRY(read_box(movie, parent, at));
        if (box.is(name)) {
            return box;
        }
        at = box.content.end();
    }
    return not_found("the movie has no header");
}

/// Whether the file begins as those of the family do.  Errors: unreadable, io.
Result<bool> is_movie(const io::ByteSource& movie)
{
    const auto first = read_box(movie, io::whole(movie), ByteOffset{0});
    if (!first.has_value()) {
        return first.error().code == ErrorCode::malformed ? Result<bool>{false} : Result<bool>{first.error()};
    }
    // Older QuickTime files have no "ftyp".
    constexpr std::array<std::string_view, 6> beginnings{"ftyp", "moov", "mdat", "wide", "free", "skip"};
    return std::ranges::any_of(beginnings, [&](std::string_view name) { return first->is(name); });
}

std::optional<double> seconds_of(ByteView header)
{
    const bool is_long = !header.empty() && header.front() == std::byte{1};
    const std::size_t at = is_long ? 20 : 12; // behind the version, the flags and two times
    if (header.size() < at + (is_long ? 12 : 8) || (!is_long && header.front() != std::byte{0})) {
        return std::nullopt;
    }
    const auto scale = load_be<std::uint32_t>(header.subspan(at));
    const auto units = is_long ? load_be<std::uint64_t>(header.subspan(at + 4))
                               : std::uint64_t{load_be<std::uint32_t>(header.subspan(at + 4))};
    const auto unknown = is_long ? UINT64_MAX : std::uint64_t{UINT32_MAX};
    if (scale == 0 || units == 0 || units == unknown) {
        return std::nullopt;
    }
    const auto seconds = static_cast<double>(units) / scale;
    return seconds <= longest_seconds ? std::optional{seconds} : std::nullopt;
}

} // namespace

Result<MovieFacts> read_movie_facts(const io::ByteSource& movie)
{
    if (!SALVAGE_TRY(is_movie(movie))) {
        return not_found("this is no MP4, 3GP or QuickTime file");
    }
    const auto all = SALVAGE_TRY(find_box(movie, io::whole(movie), "moov"));
    const auto header = SALVAGE_TRY(find_box(movie, all.content, "mvhd"));
    const auto wanted = std::min<std::uint64_t>(header.content.size().value, mvhd_bytes);
    const auto bytes = SALVAGE_TRY(io::read_bytes(movie, header.content.start(), ByteCount{wanted}));
    return MovieFacts{.seconds = seconds_of(bytes)};
}

} // namespace salvage::artifact
