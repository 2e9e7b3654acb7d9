// What a stretch of a view is made of in the source below it.
#include "sparse_extents.hpp"

namespace salvage::io {

Result<> append_extents_below(const ByteSource& source, ByteRange piece, const Anchor& anchor, std::vector<Extent>& out)
{
    const auto to_below = [&](ByteOffset at) { return anchor.below + (at - anchor.here); };
    const auto to_here = [&](ByteOffset at) { return anchor.here + (at - anchor.below); };
    const auto below = SALVAGE_TRY(source.extents(ByteRange::between(to_below(piece.start()), to_below(piece.end()))));
    for (const auto& extent : below) {
        out.push_back({.range = ByteRange::between(to_here(extent.range.start()), to_here(extent.range.end())),
                       .kind = extent.kind});
    }
    return {};
}

} // namespace salvage::io
