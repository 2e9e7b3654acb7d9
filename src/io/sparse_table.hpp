// The chunk table of an Android sparse image; private to the box.
#pragma once

#include <cstdint>
#include <vector>

#include "salvage/io/byte_source.hpp"

namespace salvage::io {

enum class ChunkKind : std::uint8_t {
    raw,  ///< stored as it is
    fill, ///< one 32-bit word over and over, not zero
    hole, ///< don't care, or filled with zeros
};

struct Chunk {
    std::uint64_t out_start{}; ///< in the unpacked image
    std::uint64_t out_size{};
    std::uint64_t body_at{}; ///< in the sparse file: behind the chunk's header
    std::uint32_t fill{};
    ChunkKind kind{ChunkKind::hole};

    [[nodiscard]] std::uint64_t out_end() const noexcept { return out_start + out_size; }
};

/// A checksum chunk: the CRC-32 of the unpacked image up to `out_end`.
struct ChecksumMark {
    std::uint64_t out_end{};
    std::uint32_t value{};
    std::uint64_t at{}; ///< of the chunk in the sparse file
};

struct SparseTable {
    std::vector<Chunk> chunks; ///< one after another without gaps, none empty
    std::vector<ChecksumMark> checksums;
};

/// Reads header and chunk headers.  Memory: one entry a chunk that the file really holds.
/// Errors: as make_sparse.
[[nodiscard]] Result<SparseTable> read_sparse_table(const ByteSource& source);

} // namespace salvage::io
