// A file's bytes as a body, whole or a range of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::web {

enum class RangeKind : std::uint8_t {
    whole,       ///< none was asked for, or not one of bytes: all of it is sent (RFC 9110, 14.2)
    part,        ///< `range`
    unsatisfied, ///< it begins behind the end
};
struct WantedRange {
    RangeKind kind{RangeKind::whole};
    ByteRange range;
};
/// "bytes=0-499", "bytes=500-", "bytes=-500" over `size` bytes.  Of several ranges all is sent.
[[nodiscard]] WantedRange parse_range(std::string_view header, ByteCount size);

/// 200, 206 or 416.  Bytes that cannot be read are zeros.
[[nodiscard]] Answer file_answer(io::SourcePtr content, std::string_view range_header);

/// Fills `into` with what is at `at`; zeros where it is a hole or cannot be read.  Errors: io.
Result<> read_tolerantly(const io::ByteSource& source, ByteOffset at, std::span<std::byte> into);

} // namespace salvage::web
