// One sparse piece as bytes; private to the box.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "salvage/io/byte_source.hpp"

namespace salvage::io {

enum class PieceChunkType : std::uint16_t { raw = 0xCAC1, fill = 0xCAC2, dont_care = 0xCAC3 };

constexpr std::uint32_t piece_header_bytes = 28;
constexpr std::uint32_t piece_chunk_header_bytes = 12;
constexpr std::uint32_t piece_fill_chunk_bytes = piece_chunk_header_bytes + 4;

struct PieceChunk {
    std::uint64_t encoded_at{}; ///< of its header, in the piece
    std::uint64_t source_at{};  ///< of its first block, in the source
    std::uint32_t blocks{};
    std::uint32_t word{}; ///< of a fill
    PieceChunkType type{PieceChunkType::raw};

    [[nodiscard]] std::uint64_t encoded_bytes(std::uint32_t block_bytes) const noexcept;
};

struct PieceTable {
    std::uint32_t block_bytes{};
    std::uint32_t total_blocks{}; ///< of the whole image
    std::vector<PieceChunk> chunks;
    std::string name; ///< in locations: "sparse piece 2"
};

/// Requires: chunks are not empty, follow each other from byte 28 on, and raw ones lie inside `source`.
[[nodiscard]] SourcePtr make_sparse_piece(SourcePtr source, PieceTable table);

} // namespace salvage::io
