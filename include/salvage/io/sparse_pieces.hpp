// Android sparse images made of a source on the fly, cut into pieces that fit a bootloader's download buffer.
#pragma once

#include <vector>

#include "salvage/core/run_context.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::io {

struct SparsePieceOptions {
    ByteCount max_piece; ///< of the encoded image, header and all
};

/// Sparse images that together lay every byte of `source` down, each at most `max_piece` bytes, each with don't-care
/// before and after its own blocks and nowhere else.  Runs of one repeated 32-bit word become FILL chunks, zeros too: a
/// don't-care would leave what was there.  A size that is no multiple of 4096 takes the largest block of 2048, 1024 or
/// 512 that divides it.  An empty source makes no piece.
/// Nothing is stored but the chunk tables (32 bytes a chunk); the pieces read from `source` and are pure functions of
/// it.  Memory for the scan: 256 KiB.  Blocks that lie in holes of `source` are not read.
/// Progress: step "sparse", unit "bytes".
/// Errors: unsupported (size is no multiple of 512, or over 2^32 - 1 blocks), invalid_argument (max_piece holds no
/// block), unreadable and io of `source`, cancelled.
/// Spec: AOSP system/core, libsparse/sparse_format.h.
[[nodiscard]] Result<std::vector<SourcePtr>>
make_sparse_pieces(const SourcePtr& source, const SparsePieceOptions& options, const RunContext& context = {});

} // namespace salvage::io
