#include "file_body.hpp"

#include <algorithm>
#include <charconv>
#include <memory>

#include <fmt/format.h>

namespace salvage::web {
namespace {

constexpr std::uint64_t piece_bytes = 256U << 10U;

std::optional<std::uint64_t> number_of(std::string_view text)
{
    std::uint64_t out = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
    return problem == std::errc{} && end == text.data() + text.size() ? std::optional{out} : std::nullopt;
}

class FileStream {
public:
    FileStream(io::SourcePtr content, ByteRange range)
        : content_{std::move(content)}, at_{range.start()}, end_{range.end()}
    {
        buffer_.resize(static_cast<std::size_t>(std::min(piece_bytes, range.size().value)));
    }

    Next next(Client& client)
    {
        const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>((end_ - at_).value, buffer_.size()));
        const auto bytes = std::span{buffer_}.first(wanted);
        if (!read_tolerantly(*content_, at_, bytes).has_value() || !client.write(as_text(bytes))) {
            return Next::broken;
        }
        at_ = at_ + ByteCount{wanted};
        return at_ == end_ ? Next::done : Next::more;
    }

private:
    io::SourcePtr content_;
    ByteOffset at_;
    ByteOffset end_;
    Bytes buffer_;
};

} // namespace

WantedRange parse_range(std::string_view header, ByteCount size)
{
    const WantedRange whole{.kind = RangeKind::whole, .range = ByteRange::first(size)};
    constexpr std::string_view unit = "bytes=";
    if (!header.starts_with(unit)) {
        return whole;
    }
    const auto spec = header.substr(unit.size());
    const auto dash = spec.find('-');
    if (dash == std::string_view::npos || spec.find(',') != std::string_view::npos) {
        return whole;
    }
    const auto first = number_of(spec.substr(0, dash));
    const auto last = number_of(spec.substr(dash + 1));
    if ((!first && dash != 0) || (!last && dash + 1 != spec.size()) || (!first && !last)) {
        return whole;
    }
    const WantedRange nothing{.kind = RangeKind::unsatisfied, .range = {}};
    if (!first) { // the last so many
        return *last == 0 || size.value == 0
                   ? nothing
                   : WantedRange{.kind = RangeKind::part,
                                 .range = ByteRange::between(ByteOffset{size.value - std::min(*last, size.value)},
                                                             ByteOffset{size.value})};
    }
    if (last && *last < *first) {
        return whole;
    }
    if (*first >= size.value) {
        return nothing;
    }
    const auto end = last ? std::min(*last, size.value - 1) + 1 : size.value;
    return {.kind = RangeKind::part, .range = ByteRange::between(ByteOffset{*first}, ByteOffset{end})};
}

Answer file_answer(io::SourcePtr content, std::string_view range_header)
{
    const auto size = content->size();
    const auto wanted = parse_range(range_header, size);
    Answer out;
    out.headers.push_back({.name = "Accept-Ranges", .value = "bytes"});
    if (wanted.kind == RangeKind::unsatisfied) {
        out.status = 416;
        out.headers.push_back({.name = "Content-Range", .value = fmt::format("bytes */{}", size.value)});
        return out;
    }
    if (wanted.kind == RangeKind::part) {
        out.status = 206;
        out.headers.push_back({.name = "Content-Range",
                               .value = fmt::format("bytes {}-{}/{}", wanted.range.start().value,
                                                    wanted.range.end().value - 1, size.value)});
    }
    if (wanted.range.is_empty()) {
        return out;
    }
    const auto stream = std::make_shared<FileStream>(std::move(content), wanted.range);
    out.stream =
        Stream{.size = wanted.range.size().value, .next = [stream](Client& client) { return stream->next(client); }};
    return out;
}

Result<> read_tolerantly(const io::ByteSource& source, ByteOffset at, std::span<std::byte> into)
{
    if (source.read_at(at, into).has_value()) {
        return {};
    }
    std::ranges::fill(into, std::byte{0});
    const auto range = ByteRange::make(at, ByteCount{into.size()});
    if (!range) {
        return truncated(at, "the file ends before");
    }
    for (const auto& extent : SALVAGE_TRY(source.extents(*range))) {
        if (extent.kind != io::ExtentKind::data) {
            continue;
        }
        const auto part = into.subspan(static_cast<std::size_t>((extent.range.start() - at).value),
                                       static_cast<std::size_t>(extent.range.size().value));
        if (const auto read = source.read_at(extent.range.start(), part); !read.has_value()) {
            if (read.error().code != ErrorCode::unreadable && read.error().code != ErrorCode::malformed) {
                return read;
            }
            std::ranges::fill(part, std::byte{0});
        }
    }
    return {};
}

} // namespace salvage::web
