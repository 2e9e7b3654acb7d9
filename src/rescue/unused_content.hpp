// Which parts of unused areas hold anything.
#pragma once

#include <vector>

#include "salvage/core/run_context.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::rescue {

struct UnusedContent {
    std::vector<ByteRange> areas; ///< ascending, neighbours joined
    ByteCount searched;
    ByteCount empty;
    ByteCount unreadable;
};

/// Of `areas`, what is neither unreadable nor zeros in `raw`; zeros of less than 64 KiB stay with what is around them.
/// Reads all of them.  Errors: io, cancelled.
[[nodiscard]] Result<UnusedContent> find_unused_content(const io::ByteSource& raw, const std::vector<ByteRange>& areas,
                                                        const RunContext& context);

} // namespace salvage::rescue
