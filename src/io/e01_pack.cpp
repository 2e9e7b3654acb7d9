// Chunks of an E01, compressed: zlib streams by ISA-L where speed counts, by zlib where size does.
#include <algorithm>
#include <array>
#include <bit>

#include <isa-l/igzip_lib.h>
#include <zlib.h>

#include "salvage/io/e01_writer.hpp"

namespace salvage::io {
namespace {

// A chunk that does not shrink is stored as it is; deflate may add a little before that is known.
constexpr std::size_t room_a_chunk = e01_chunk_bytes + 1024;
constexpr std::uint32_t isal_level = 1;
constexpr int zlib_best = 9;
constexpr std::size_t sample_bytes = 4096;

std::size_t deflate_fast(ByteView content, std::span<std::byte> into, Bytes& work)
{
    isal_zstream stream{};
    ::isal_deflate_init(&stream);
    work.resize(ISAL_DEF_LVL1_DEFAULT);
    stream.level = isal_level;
    stream.level_buf = as_uchar(std::span{work});
    stream.level_buf_size = static_cast<std::uint32_t>(work.size());
    stream.gzip_flag = IGZIP_ZLIB;
    stream.end_of_stream = 1;
    stream.flush = NO_FLUSH;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): ISA-L reads it; its struct knows no const.
    stream.next_in = const_cast<unsigned char*>(as_uchar(content));
    stream.avail_in = static_cast<std::uint32_t>(content.size());
    stream.next_out = as_uchar(into);
    stream.avail_out = static_cast<std::uint32_t>(into.size());
    const auto status = ::isal_deflate(&stream);
    const bool is_whole = status == COMP_OK && stream.internal_state.state == ZSTATE_END;
    return is_whole ? stream.total_out : 0;
}

std::size_t deflate_best(ByteView content, std::span<std::byte> into)
{
    auto size = static_cast<uLongf>(into.size());
    const auto status =
        ::compress2(as_uchar(into), &size, as_uchar(content), static_cast<uLong>(content.size()), zlib_best);
    return status == Z_OK ? static_cast<std::size_t>(size) : 0;
}

/// Whether a sample has so few repeated byte values that Huffman codes gain nothing: ciphertext, JPEG.
///
/// The sum of squared counts of n random bytes is about n + n²/256; the bound is 10 % above, text has many times as
/// much.
bool looks_random(ByteView content)
{
    if (content.size() < 2 * sample_bytes) {
        return false;
    }
    std::array<std::uint32_t, 256> counts{};
    for (const auto byte : content.subspan(content.size() / 2, sample_bytes)) {
        ++counts[std::to_integer<std::size_t>(byte)];
    }
    std::uint64_t squares = 0;
    for (const auto count : counts) {
        squares += std::uint64_t{count} * count;
    }
    constexpr std::uint64_t expected = sample_bytes + (sample_bytes * sample_bytes / 256);
    return squares * 10 < expected * 11;
}

class Packer {
public:
    explicit Packer(E01Compression compression) : compression_{compression} {}

    PackedChunks run(ByteView content)
    {
        const auto chunks = (content.size() + e01_chunk_bytes - 1) / e01_chunk_bytes;
        out_.bytes.resize(chunks * room_a_chunk);
        out_.chunks.reserve(chunks);
        while (!content.empty()) {
            const auto count = std::min(content.size(), e01_chunk_bytes);
            pack(content.first(count));
            content = content.subspan(count);
        }
        out_.bytes.resize(used_);
        return std::move(out_);
    }

private:
    void pack(ByteView chunk)
    {
        const auto room = std::span{out_.bytes}.subspan(used_, room_a_chunk);
        PackedChunks::Chunk packed{.count = static_cast<std::uint32_t>(chunk.size())};
        packed.stored = is_all_zero(chunk) ? zeros(chunk, room) : compress(chunk, room);
        packed.is_compressed = packed.stored > 0 && packed.stored < chunk.size();
        if (!packed.is_compressed) {
            std::ranges::copy(chunk, room.begin());
            packed.stored = chunk.size();
            packed.sum = ::isal_adler32(1, as_uchar(chunk), chunk.size());
        }
        used_ += packed.stored;
        out_.chunks.push_back(packed);
    }

    /// Chunks of zeros are many, and all alike.
    std::size_t zeros(ByteView chunk, std::span<std::byte> room)
    {
        if (compression_ == E01Compression::none) {
            return 0;
        }
        if (zeros_size_ != chunk.size()) {
            zeros_.resize(room_a_chunk);
            zeros_.resize(deflate_best(chunk, zeros_));
            zeros_size_ = chunk.size();
        }
        std::ranges::copy(zeros_, room.begin());
        return zeros_.size();
    }

    std::size_t compress(ByteView chunk, std::span<std::byte> room)
    {
        switch (compression_) {
        case E01Compression::none: return 0;
        case E01Compression::fast: return looks_random(chunk) ? 0 : deflate_fast(chunk, room, work_);
        case E01Compression::best: return deflate_best(chunk, room);
        }
        return 0;
    }

    E01Compression compression_;
    PackedChunks out_;
    std::size_t used_{0};
    Bytes work_;
    Bytes zeros_;
    std::size_t zeros_size_{0};
};

} // namespace

PackedChunks pack_e01_chunks(ByteView content, E01Compression compression)
{
    return Packer{compression}.run(content);
}

} // namespace salvage::io
