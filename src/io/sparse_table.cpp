// The chunk table of an Android sparse image.  Spec: AOSP system/core, libsparse/sparse_format.h;
// docs/formats/android-sparse.md.
#include "sparse_table.hpp"

#include <array>

#include <fmt/format.h>

#include "salvage/core/text.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::io {
namespace {

constexpr std::uint32_t sparse_magic = 0xED26FF3A;
constexpr std::uint16_t known_major = 1;
constexpr std::uint16_t file_header_bytes = 28;
constexpr std::uint16_t chunk_header_bytes = 12;
// Later versions may lengthen the headers by some fields, not by more than a block.
constexpr std::uint16_t max_header_bytes = 4096;
// 4096 is usual; no flash has erase blocks of more than 64 MiB.  With it, no image reaches 2^58 bytes.
constexpr std::uint32_t max_block_bytes = 1U << 26U;

enum class ChunkType : std::uint16_t { raw = 0xCAC1, fill = 0xCAC2, dont_care = 0xCAC3, crc32 = 0xCAC4 };

struct SparseHeader {
    std::uint16_t header_bytes{};       ///< 0x08 file_hdr_sz
    std::uint16_t chunk_header_bytes{}; ///< 0x0A chunk_hdr_sz
    std::uint32_t block_bytes{};        ///< 0x0C blk_sz
    std::uint32_t total_blocks{};       ///< 0x10 total_blks
    std::uint32_t total_chunks{};       ///< 0x14 total_chunks
};

struct ChunkHeader {
    std::uint16_t type{};        ///< 0x00 chunk_type
    std::uint32_t blocks{};      ///< 0x04 chunk_sz
    std::uint32_t total_bytes{}; ///< 0x08 total_sz
};

Result<> validate(const SparseHeader& header)
{
    const auto is_sane = [](std::uint16_t size, std::uint16_t least) {
        return size >= least && size <= max_header_bytes;
    };
    if (!is_sane(header.header_bytes, file_header_bytes) || !is_sane(header.chunk_header_bytes, chunk_header_bytes)) {
        return malformed(ByteOffset{8}, "the sparse image's header sizes are impossible",
                         fmt::format("found {} and {}, expected 28 and 12 or a little more", header.header_bytes,
                                     header.chunk_header_bytes));
    }
    if (header.block_bytes == 0 || header.block_bytes % 4 != 0 || header.block_bytes > max_block_bytes) {
        return malformed(
            ByteOffset{12}, "the sparse image's block size is impossible",
            fmt::format("found {}, expected a multiple of 4 up to {}", header.block_bytes, max_block_bytes));
    }
    return {};
}

Result<SparseHeader> parse_sparse_header(ByteView bytes)
{
    ByteReader reader{bytes};
    const auto magic = SALVAGE_TRY(reader.le<std::uint32_t>());
    if (magic != sparse_magic) {
        return malformed(ByteOffset{0}, "this is no Android sparse image",
                         fmt::format("found {}, expected 3A FF 26 ED", to_spaced_hex(bytes.first(4))));
    }
    const auto major = SALVAGE_TRY(reader.le<std::uint16_t>());
    if (major != known_major) {
        auto error = unsupported("this sparse image is of an unknown version",
                                 fmt::format("found major version {}, known is {}", major, known_major));
        error.where = Location{{Place{.source = {}, .at = ByteOffset{4}}}};
        return error;
    }
    SALVAGE_TRY(reader.skip(2)); // 0x06 minor_version: differences are compatible by definition
    SparseHeader header;
    header.header_bytes = SALVAGE_TRY(reader.le<std::uint16_t>());
    header.chunk_header_bytes = SALVAGE_TRY(reader.le<std::uint16_t>());
    header.block_bytes = SALVAGE_TRY(reader.le<std::uint32_t>());
    header.total_blocks = SALVAGE_TRY(reader.le<std::uint32_t>());
    header.total_chunks = SALVAGE_TRY(reader.le<std::uint32_t>());
    SALVAGE_TRY(validate(header));
    return header;
}

/// Reads the chunk headers one after another.
class TableReader {
public:
    TableReader(const ByteSource& source, SparseHeader header)
        : source_{&source}, header_{header}, at_{header.header_bytes}
    {
    }

    Result<SparseTable> read() &&
    {
        // Not reserved for total_chunks: each chunk takes its header's bytes of the file, so the file's end bounds
        // them.
        for (std::uint32_t i = 0; i < header_.total_chunks; ++i) {
            SALVAGE_TRY(
                lifted(read_chunk(), *source_).in(fmt::format("reading chunk {} of {}", i + 1, header_.total_chunks)));
        }
        if (blocks_ != header_.total_blocks) {
            return lifted(wrong_sum("all chunks together"), *source_);
        }
        return std::move(table_);
    }

private:
    Result<> read_chunk()
    {
        const auto head = SALVAGE_TRY(read_bytes(*source_, ByteOffset{at_}, ByteCount{chunk_header_bytes}));
        ByteReader reader{head};
        ChunkHeader chunk;
        chunk.type = SALVAGE_TRY(reader.le<std::uint16_t>());
        SALVAGE_TRY(reader.skip(2)); // 0x02 reserved1
        chunk.blocks = SALVAGE_TRY(reader.le<std::uint32_t>());
        chunk.total_bytes = SALVAGE_TRY(reader.le<std::uint32_t>());
        const auto left = source_->size().value - at_;
        if (chunk.total_bytes < header_.chunk_header_bytes) {
            return malformed(
                ByteOffset{at_ + 8}, "a chunk of the sparse image is shorter than its header",
                fmt::format("found {} bytes, expected {} or more", chunk.total_bytes, header_.chunk_header_bytes));
        }
        if (chunk.total_bytes > left) {
            return Error{truncated(ByteOffset{at_ + 8}, "the sparse image ends within a chunk",
                                   fmt::format("the chunk has {} bytes, {} are left", chunk.total_bytes, left))}
                .with_hint("the copy is incomplete: compare its size with the original");
        }
        SALVAGE_TRY(add(chunk));
        at_ += chunk.total_bytes;
        return {};
    }

    Result<> add(const ChunkHeader& chunk)
    {
        const auto out_size = std::uint64_t{chunk.blocks} * header_.block_bytes;
        switch (static_cast<ChunkType>(chunk.type)) {
        case ChunkType::raw: SALVAGE_TRY(expect_body(chunk, out_size)); return push(chunk, ChunkKind::raw, 0);
        case ChunkType::fill: {
            SALVAGE_TRY(expect_body(chunk, 4));
            const auto word = SALVAGE_TRY(body_word());
            return push(chunk, word == 0 ? ChunkKind::hole : ChunkKind::fill, word);
        }
        case ChunkType::dont_care: SALVAGE_TRY(expect_body(chunk, 0)); return push(chunk, ChunkKind::hole, 0);
        case ChunkType::crc32: {
            SALVAGE_TRY(expect_body(chunk, 4));
            const auto value = SALVAGE_TRY(body_word());
            table_.checksums.push_back({.out_end = out_end(), .value = value, .at = at_});
            return {};
        }
        }
        return malformed(ByteOffset{at_}, "a chunk of the sparse image is of an unknown kind",
                         fmt::format("found {:#06x}, expected 0xcac1 to 0xcac4", chunk.type));
    }

    Result<> expect_body(const ChunkHeader& chunk, std::uint64_t expected) const
    {
        const auto body = chunk.total_bytes - header_.chunk_header_bytes;
        if (body == expected) {
            return {};
        }
        return malformed(ByteOffset{at_ + 8}, "a chunk of the sparse image holds the wrong number of bytes",
                         fmt::format("found {} behind its header, expected {}", body, expected));
    }

    Result<> push(const ChunkHeader& chunk, ChunkKind kind, std::uint32_t fill)
    {
        const Chunk entry{.out_start = out_end(),
                          .out_size = std::uint64_t{chunk.blocks} * header_.block_bytes,
                          .body_at = body_at(),
                          .fill = fill,
                          .kind = kind};
        blocks_ += chunk.blocks;
        // Checked at each chunk, so that the sums stay below 2^32 blocks and 2^58 bytes.
        if (blocks_ > header_.total_blocks) {
            return wrong_sum("the chunks up to this one");
        }
        if (entry.out_size != 0) {
            table_.chunks.push_back(entry);
        }
        return {};
    }

    [[nodiscard]] Error wrong_sum(std::string_view which) const
    {
        return malformed(ByteOffset{16}, "the sparse image's chunks do not add up",
                         fmt::format("{} make {} blocks, the header says {}", which, blocks_, header_.total_blocks));
    }

    Result<std::uint32_t> body_word() const
    {
        std::array<std::byte, 4> word{};
        SALVAGE_TRY(source_->read_at(ByteOffset{body_at()}, word));
        return load_le<std::uint32_t>(word);
    }
    [[nodiscard]] std::uint64_t body_at() const { return at_ + header_.chunk_header_bytes; }
    [[nodiscard]] std::uint64_t out_end() const { return blocks_ * header_.block_bytes; }

    const ByteSource* source_;
    SparseHeader header_;
    SparseTable table_;
    std::uint64_t at_;
    std::uint64_t blocks_{0};
};

} // namespace

bool is_sparse_image(ByteView first_bytes) noexcept
{
    return first_bytes.size() >= 4 && load_le<std::uint32_t>(first_bytes) == sparse_magic;
}

Result<SparseTable> read_sparse_table(const ByteSource& source)
{
    const auto head = SALVAGE_TRY(read_up_to(source, ByteOffset{0}, ByteCount{file_header_bytes}));
    const auto header = SALVAGE_TRY(lifted(parse_sparse_header(head), source).in("reading the sparse image's header"));
    return TableReader{source, header}.read();
}

} // namespace salvage::io
