// Sparse images of a source, cut to a bootloader's download buffer.  docs/formats/android-sparse.md.
#include "salvage/io/sparse_pieces.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"
#include "sparse_pieces_scan.hpp"
#include "sparse_pieces_view.hpp"

namespace salvage::io {
namespace {

// Readers multiply blocks by block size in 32 bits: Debian's libsparse (29.0.6) does for raw and fill chunks, and so do
// bootloaders.  Don't-care chunks are only counted in blocks.
constexpr std::uint64_t max_chunk_bytes = std::uint64_t{1} << 30U;
// What a piece needs besides the chunks of its own blocks.
constexpr std::uint64_t piece_overhead = piece_header_bytes + 2 * std::uint64_t{piece_chunk_header_bytes};

std::optional<std::uint32_t> block_size_for(std::uint64_t size)
{
    for (const std::uint32_t block : {4096U, 2048U, 1024U, 512U}) {
        if (size % block == 0) {
            return block;
        }
    }
    return std::nullopt;
}

/// Lays runs into pieces, one after another.
class PieceCutter {
public:
    PieceCutter(SourcePtr source, std::uint32_t block_bytes, ByteCount max_piece)
        : source_{std::move(source)}, block_bytes_{block_bytes},
          total_blocks_{static_cast<std::uint32_t>(source_->size().value / block_bytes)}, max_piece_{max_piece.value}
    {
    }

    void add(BlockRun run)
    {
        while (run.blocks != 0) {
            const auto count = std::min(run.blocks, blocks_that_fit(run.kind));
            if (count == 0) {
                finish();
                continue;
            }
            add_chunk(run.kind == BlockRun::Kind::fill ? PieceChunkType::fill : PieceChunkType::raw, count, run.word);
            run.blocks -= count;
        }
    }

    std::vector<SourcePtr> take() &&
    {
        finish();
        return std::move(pieces_);
    }

private:
    [[nodiscard]] std::uint64_t blocks_that_fit(BlockRun::Kind kind) const
    {
        // A piece that has nothing yet begins with don't-care, unless it is the first.
        const auto used = chunks_.empty() ? piece_overhead : end_ + piece_chunk_header_bytes;
        const auto room = max_piece_ - std::min(max_piece_, used);
        const auto most = max_chunk_bytes / block_bytes_;
        if (kind == BlockRun::Kind::fill) {
            return room >= piece_fill_chunk_bytes ? most : 0;
        }
        return room <= piece_chunk_header_bytes ? 0 : std::min(most, (room - piece_chunk_header_bytes) / block_bytes_);
    }

    void add_chunk(PieceChunkType type, std::uint64_t blocks, std::uint32_t word)
    {
        if (chunks_.empty() && next_block_ != 0) {
            push({.encoded_at = end_, .source_at = 0, .blocks = next_block_, .type = PieceChunkType::dont_care});
        }
        const auto count = static_cast<std::uint32_t>(blocks);
        push({.encoded_at = end_, .source_at = byte_of(next_block_), .blocks = count, .word = word, .type = type});
        next_block_ += count;
    }

    void finish()
    {
        if (chunks_.empty()) {
            return;
        }
        if (next_block_ != total_blocks_) {
            push({.encoded_at = end_,
                  .source_at = byte_of(next_block_),
                  .blocks = total_blocks_ - next_block_,
                  .type = PieceChunkType::dont_care});
        }
        pieces_.push_back(make_sparse_piece(source_, {.block_bytes = block_bytes_,
                                                      .total_blocks = total_blocks_,
                                                      .chunks = std::exchange(chunks_, {}),
                                                      .name = fmt::format("sparse piece {}", pieces_.size() + 1)}));
        end_ = piece_header_bytes;
    }

    void push(const PieceChunk& chunk)
    {
        chunks_.push_back(chunk);
        end_ += chunk.encoded_bytes(block_bytes_);
    }
    [[nodiscard]] std::uint64_t byte_of(std::uint32_t block) const { return std::uint64_t{block} * block_bytes_; }

    SourcePtr source_;
    std::uint32_t block_bytes_;
    std::uint32_t total_blocks_;
    std::uint64_t max_piece_;
    std::vector<SourcePtr> pieces_;
    std::vector<PieceChunk> chunks_; ///< of the piece under way
    std::uint64_t end_{piece_header_bytes};
    std::uint32_t next_block_{0};
};

Result<std::uint32_t> check(const ByteSource& source, ByteCount max_piece)
{
    const auto size = source.size().value;
    const auto block = block_size_for(size);
    if (!block) {
        return unsupported("the image cannot be made a sparse image",
                           fmt::format("its size is {} bytes, expected a multiple of 512", size),
                           "an image of a partition is a multiple of 512 bytes: compare its size with the original");
    }
    if (size / *block > std::numeric_limits<std::uint32_t>::max()) {
        return unsupported(
            "the image is too large for a sparse image",
            fmt::format("{} are more than 2^32 blocks of {} bytes", format_size_exact(source.size()), *block));
    }
    const auto least = piece_overhead + piece_chunk_header_bytes + *block;
    if (max_piece.value < least) {
        return invalid_argument(
            "the largest download is too small for a sparse image",
            fmt::format("found {} bytes, one block of {} bytes takes {}", max_piece.value, *block, least));
    }
    return *block;
}

} // namespace

Result<std::vector<SourcePtr>> make_sparse_pieces(const SourcePtr& source, const SparsePieceOptions& options,
                                                  const RunContext& context)
{
    const auto block_bytes = SALVAGE_TRY(check(*source, options.max_piece));
    PieceCutter cutter{source, block_bytes, options.max_piece};
    SALVAGE_TRY(scan_block_runs(*source, block_bytes, [&](const BlockRun& run) { cutter.add(run); }, context));
    return std::move(cutter).take();
}

} // namespace salvage::io
