// Going through a source from its start to its end.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

#include "salvage/io/byte_source.hpp"

namespace salvage::io {

/// Calls `take(ByteOffset, ByteView)` → Result<> for all of `source` in order, 1 MiB at a time, the last piece shorter.
/// Ends with the first error, of reading or of `take`.
template <typename Take>
[[nodiscard]] Result<> for_each_piece(const ByteSource& source, Take take)
{
    constexpr std::uint64_t piece_bytes = 1U << 20U;
    const auto size = source.size().value;
    Bytes buffer(static_cast<std::size_t>(std::min(piece_bytes, size)));
    for (std::uint64_t at = 0; at < size;) {
        const auto part = std::span{buffer}.first(static_cast<std::size_t>(std::min(piece_bytes, size - at)));
        SALVAGE_TRY(source.read_at(ByteOffset{at}, part));
        SALVAGE_TRY(take(ByteOffset{at}, ByteView{part}));
        at += part.size();
    }
    return {};
}

} // namespace salvage::io
