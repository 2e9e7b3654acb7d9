// A sparse image that is written nowhere: headers made when they are read, blocks read from the source.
#include "sparse_pieces_view.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "sparse_extents.hpp"

namespace salvage::io {
namespace {

constexpr std::uint32_t sparse_magic = 0xED26FF3A;

using FileHeader = std::array<std::byte, piece_header_bytes>;
using ChunkHead = std::array<std::byte, piece_fill_chunk_bytes>; ///< a chunk's header, and the word of a fill

FileHeader encode_header(const PieceTable& table)
{
    FileHeader out{};
    const std::span<std::byte> into{out};
    store_le<std::uint32_t>(into, sparse_magic);
    store_le<std::uint16_t>(into.subspan(4), 1); // major_version; 0x06 minor_version is 0
    store_le<std::uint16_t>(into.subspan(8), piece_header_bytes);
    store_le<std::uint16_t>(into.subspan(10), piece_chunk_header_bytes);
    store_le<std::uint32_t>(into.subspan(12), table.block_bytes);
    store_le<std::uint32_t>(into.subspan(16), table.total_blocks);
    store_le<std::uint32_t>(into.subspan(20), static_cast<std::uint32_t>(table.chunks.size()));
    return out; // 0x18 image_checksum is 0: not computed, as usual
}

std::uint64_t head_bytes(const PieceChunk& chunk) noexcept
{
    return chunk.type == PieceChunkType::fill ? piece_fill_chunk_bytes : piece_chunk_header_bytes;
}

ChunkHead encode_head(const PieceChunk& chunk, std::uint32_t block_bytes)
{
    ChunkHead out{};
    const std::span<std::byte> into{out};
    store_le<std::uint16_t>(into, static_cast<std::uint16_t>(chunk.type));
    store_le<std::uint32_t>(into.subspan(4), chunk.blocks);
    store_le<std::uint32_t>(into.subspan(8), static_cast<std::uint32_t>(chunk.encoded_bytes(block_bytes)));
    store_le<std::uint32_t>(into.subspan(12), chunk.word);
    return out;
}

class SparsePiece final : public ByteSource {
public:
    SparsePiece(SourcePtr source, PieceTable table)
        : source_{std::move(source)}, table_{std::move(table)}, header_{encode_header(table_)},
          size_{end_of(table_.chunks.back())}
    {
    }

    [[nodiscard]] ByteCount size() const noexcept override { return size_; }

    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        SALVAGE_TRY(check_range(*this, at, ByteCount{into.size()}));
        while (!into.empty()) {
            const auto count = SALVAGE_TRY(read_part(at.value, into));
            into = into.subspan(count);
            at = at + ByteCount{count};
        }
        return {};
    }

    Result<std::vector<Extent>> extents(ByteRange range) const override
    {
        SALVAGE_TRY(check_range(*this, range.start(), range.size()));
        std::vector<Extent> out;
        auto at = range.start();
        for (auto chunk = chunk_at(at.value); chunk != table_.chunks.end() && at < range.end(); ++chunk) {
            const auto whole = body_of(*chunk);
            const auto body = whole.intersection(range);
            if (body.is_empty()) {
                continue;
            }
            out.push_back({.range = ByteRange::between(at, body.start()), .kind = ExtentKind::data});
            const Anchor anchor{.here = whole.start(), .below = ByteOffset{chunk->source_at}};
            SALVAGE_TRY(append_extents_below(*source_, body, anchor, out));
            at = body.end();
        }
        out.push_back({.range = ByteRange::between(at, range.end()), .kind = ExtentKind::data});
        return merged(std::move(out));
    }

    [[nodiscard]] Location locate(ByteOffset at) const override
    {
        auto below = source_->size().value;
        if (const auto chunk = chunk_at(at.value); chunk != table_.chunks.end()) {
            const auto body = body_of(*chunk);
            below = chunk->source_at + (body.contains(at) ? (at - body.start()).value : 0);
        }
        auto out = source_->locate(ByteOffset{below});
        out.chain.push_back({.source = table_.name, .at = at});
        return out;
    }

private:
    using Position = std::vector<PieceChunk>::const_iterator;

    [[nodiscard]] std::uint64_t end_of(const PieceChunk& chunk) const noexcept
    {
        return chunk.encoded_at + chunk.encoded_bytes(table_.block_bytes);
    }
    /// The chunk that holds `at`; the first one for the file's header, the end for the piece's end.
    [[nodiscard]] Position chunk_at(std::uint64_t at) const
    {
        return std::ranges::upper_bound(table_.chunks, at, {}, [this](const PieceChunk& each) { return end_of(each); });
    }
    /// Where the blocks of a raw chunk stand in the piece; empty for others.
    [[nodiscard]] ByteRange body_of(const PieceChunk& chunk) const
    {
        return ByteRange::between(ByteOffset{chunk.encoded_at + head_bytes(chunk)}, ByteOffset{end_of(chunk)});
    }

    /// Fills the front of `into` with one header, one chunk's head or one chunk's blocks; how many bytes that were.
    Result<std::size_t> read_part(std::uint64_t at, std::span<std::byte> into) const
    {
        if (at < header_.size()) {
            return copy_part(ByteView{header_}.subspan(static_cast<std::size_t>(at)), into);
        }
        const auto& chunk = *chunk_at(at);
        const auto within = at - chunk.encoded_at;
        const auto head = head_bytes(chunk);
        if (within < head) {
            const auto bytes = encode_head(chunk, table_.block_bytes);
            return copy_part(
                ByteView{bytes}.subspan(static_cast<std::size_t>(within), static_cast<std::size_t>(head - within)),
                into);
        }
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), end_of(chunk) - at));
        SALVAGE_TRY(source_->read_at(ByteOffset{chunk.source_at + within - head}, into.first(count)));
        return count;
    }

    static std::size_t copy_part(ByteView from, std::span<std::byte> into)
    {
        const auto count = std::min(from.size(), into.size());
        std::ranges::copy(from.first(count), into.begin());
        return count;
    }

    SourcePtr source_;
    PieceTable table_;
    FileHeader header_;
    ByteCount size_;
};

} // namespace

std::uint64_t PieceChunk::encoded_bytes(std::uint32_t block_bytes) const noexcept
{
    return head_bytes(*this) + (type == PieceChunkType::raw ? std::uint64_t{blocks} * block_bytes : 0);
}

SourcePtr make_sparse_piece(SourcePtr source, PieceTable table)
{
    return std::make_shared<SparsePiece>(std::move(source), std::move(table));
}

} // namespace salvage::io
