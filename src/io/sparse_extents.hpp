// What a stretch of a view is made of in the source below it; private to the box.
#pragma once

#include <vector>

#include "salvage/io/byte_source.hpp"

namespace salvage::io {

/// Where a view's bytes come from: byte `here` of the view is byte `below` of its source.
struct Anchor {
    ByteOffset here;
    ByteOffset below;
};

/// Appends the source's extents below `piece` of the view, as the view's: the source may have unreadable areas.
/// Requires: `piece` begins at or behind the anchor.  Errors: those of `source`.
Result<> append_extents_below(const ByteSource& source, ByteRange piece, const Anchor& anchor,
                              std::vector<Extent>& out);

} // namespace salvage::io
