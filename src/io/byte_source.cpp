// What all byte sources share.
#include "salvage/io/byte_source.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::io {

Result<std::vector<Extent>> ByteSource::extents(ByteRange range) const
{
    SALVAGE_TRY(check_range(*this, range.start(), range.size()));
    return merged({Extent{.range = range, .kind = ExtentKind::data}});
}

Result<> check_range(const ByteSource& source, ByteOffset at, ByteCount count)
{
    const auto end = checked_add(at.value, count.value);
    if (end && *end <= source.size().value) {
        return {};
    }
    Error error{ErrorCode::truncated,
                "the source ends before what was asked for",
                fmt::format("{} at {} were wanted, the source has {} bytes", format_size_exact(count),
                            format_offset(at), source.size().value),
                source.locate(ByteOffset{std::min(at.value, source.size().value)}),
                {},
                {}};
    return error;
}

Error unreadable_at(const ByteSource& source, ByteOffset at)
{
    return Error{ErrorCode::unreadable,
                 "these bytes could not be read",
                 "they lie in an area marked as bad",
                 source.locate(at),
                 {},
                 {}};
}

Error lifted(Error error, const ByteSource& source, ByteOffset base)
{
    const bool is_within_bytes =
        error.where && error.where->chain.size() == 1 && error.where->chain.front().source.empty();
    if (is_within_bytes) {
        error.where = source.locate(base + ByteCount{error.where->chain.front().at.value});
    }
    return error;
}

Result<Bytes> read_bytes(const ByteSource& source, ByteOffset at, ByteCount count)
{
    SALVAGE_TRY(check_range(source, at, count));
    Bytes out(static_cast<std::size_t>(count.value));
    SALVAGE_TRY(source.read_at(at, out));
    return out;
}

Result<Bytes> read_up_to(const ByteSource& source, ByteOffset at, ByteCount count)
{
    const auto left = source.size().value > at.value ? source.size().value - at.value : 0;
    return read_bytes(source, ByteOffset{std::min(at.value, source.size().value)},
                      ByteCount{std::min(count.value, left)});
}

Result<Bytes> read_all(const ByteSource& source, ByteCount limit)
{
    if (source.size() > limit) {
        return unsupported(
            "the source is larger than it may be here",
            fmt::format("it has {}, the limit is {}", format_size_exact(source.size()), format_size_exact(limit)));
    }
    return read_bytes(source, ByteOffset{0}, source.size());
}

std::vector<Extent> merged(std::vector<Extent> extents)
{
    std::size_t count = 0; // of those that stay, at the front
    for (const auto extent : extents) {
        if (extent.range.is_empty()) {
            continue;
        }
        auto* const last = count == 0 ? nullptr : &extents[count - 1];
        if (last != nullptr && last->kind == extent.kind && last->range.end() == extent.range.start()) {
            last->range = ByteRange::between(last->range.start(), extent.range.end());
        } else {
            extents[count] = extent;
            ++count;
        }
    }
    extents.resize(count);
    return extents;
}

} // namespace salvage::io
