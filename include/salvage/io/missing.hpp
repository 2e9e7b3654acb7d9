// Bytes that were never read: the part of a partition that lies beyond the end of a cut dump.
#pragma once

#include <string>

#include "salvage/io/byte_source.hpp"

namespace salvage::io {

/// A source of `size` bytes of which none can be read.
[[nodiscard]] SourcePtr make_missing(ByteCount size, std::string name);

/// `range` of `source`, named; what lies beyond the source's end is unreadable instead of refused.
[[nodiscard]] Result<SourcePtr> make_subrange_or_missing(const SourcePtr& source, ByteRange range,
                                                         const std::string& name);

} // namespace salvage::io
