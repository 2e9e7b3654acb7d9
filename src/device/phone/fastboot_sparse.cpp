// Unpacking a downloaded sparse image into a partition, as a bootloader does.
// Spec: AOSP system/core, libsparse/sparse_format.h; docs/formats/android-sparse.md.
#include "fastboot_sparse.hpp"

#include <algorithm>
#include <array>

namespace salvage::device {
namespace {

constexpr std::size_t header_bytes = 28;
constexpr std::size_t chunk_header_bytes = 12;
constexpr std::size_t step_bytes = 1U << 20U;

enum class Chunk : std::uint16_t { raw = 0xCAC1, fill = 0xCAC2, dont_care = 0xCAC3, crc32 = 0xCAC4 };

Error refuse(std::string_view words)
{
    return Error{ErrorCode::refused, std::string{words}, {}, std::nullopt, {}, {}};
}

class SparseWriter {
public:
    SparseWriter(ByteView image, ByteCount size, const WritePartition& write)
        : image_{image}, size_{size}, write_{&write}
    {
    }

    Result<> run()
    {
        if (image_.size() < header_bytes) {
            return refuse("sparse image header is cut");
        }
        const auto file_header_bytes = load_le<std::uint16_t>(image_.subspan(8));
        const auto chunk_head = load_le<std::uint16_t>(image_.subspan(10));
        block_bytes_ = load_le<std::uint32_t>(image_.subspan(12));
        total_blocks_ = load_le<std::uint32_t>(image_.subspan(16));
        const auto chunks = load_le<std::uint32_t>(image_.subspan(20));
        if (file_header_bytes != header_bytes || chunk_head != chunk_header_bytes || block_bytes_ == 0 ||
            block_bytes_ % 4 != 0) {
            return refuse("sparse image header is not understood");
        }
        if (total_blocks_ * block_bytes_ > size_.value) {
            return refuse("sparse image size span overflow.");
        }
        rest_ = image_.subspan(header_bytes);
        for (std::uint32_t i = 0; i < chunks; ++i) {
            SALVAGE_TRY(chunk());
        }
        return blocks_ == total_blocks_ ? Result<>{} : refuse("sparse image chunks do not add up to its size");
    }

private:
    Result<> chunk()
    {
        if (rest_.size() < chunk_header_bytes) {
            return refuse("sparse image is cut");
        }
        const auto type = static_cast<Chunk>(load_le<std::uint16_t>(rest_));
        const std::uint64_t blocks = load_le<std::uint32_t>(rest_.subspan(4));
        const std::size_t total = load_le<std::uint32_t>(rest_.subspan(8));
        if (total < chunk_header_bytes || total > rest_.size()) {
            return refuse("sparse image chunk has an impossible size");
        }
        if (type != Chunk::crc32 && blocks > total_blocks_ - blocks_) {
            return refuse("sparse image chunks do not add up to its size");
        }
        const auto body = rest_.subspan(chunk_header_bytes, total - chunk_header_bytes);
        rest_ = rest_.subspan(total);
        SALVAGE_TRY(lay_down(type, blocks, body));
        blocks_ += type == Chunk::crc32 ? 0 : blocks;
        return {};
    }

    Result<> lay_down(Chunk type, std::uint64_t blocks, ByteView body)
    {
        const ByteOffset at{blocks_ * block_bytes_};
        const auto bytes = blocks * block_bytes_;
        switch (type) {
        case Chunk::raw:
            return body.size() == bytes ? write_raw(at, body) : refuse("sparse image raw chunk has a wrong size");
        case Chunk::fill:
            return body.size() == 4 ? write_repeated(at, ByteCount{bytes}, load_le<std::uint32_t>(body), *write_)
                                    : refuse("sparse image fill chunk has a wrong size");
        case Chunk::dont_care:
            return body.empty() ? Result<>{} : refuse("sparse image don't-care chunk has a wrong size");
        case Chunk::crc32: return {};
        }
        return refuse("sparse image chunk is of an unknown kind");
    }

    Result<> write_raw(ByteOffset at, ByteView bytes)
    {
        while (!bytes.empty()) {
            const auto step = bytes.first(std::min(bytes.size(), step_bytes));
            SALVAGE_TRY((*write_)(at, step));
            bytes = bytes.subspan(step.size());
            at = at + ByteCount{step.size()};
        }
        return {};
    }

    ByteView image_;
    ByteCount size_;
    const WritePartition* write_;
    std::uint64_t block_bytes_{};
    std::uint64_t total_blocks_{};
    std::uint64_t blocks_{0}; ///< laid down so far, total_blocks_ at most
    ByteView rest_;
};

} // namespace

Result<> write_sparse_image(ByteView image, ByteCount size, const WritePartition& write)
{
    return SparseWriter{image, size, write}.run();
}

Result<> write_repeated(ByteOffset at, ByteCount size, std::uint32_t word, const WritePartition& write)
{
    Bytes step(static_cast<std::size_t>(std::min<std::uint64_t>(size.value, step_bytes)));
    for (std::size_t i = 0; i + 4 <= step.size(); i += 4) {
        store_le<std::uint32_t>(std::span{step}.subspan(i), word);
    }
    for (std::uint64_t done = 0; done < size.value;) {
        const auto bytes =
            ByteView{step}.first(static_cast<std::size_t>(std::min<std::uint64_t>(step.size(), size.value - done)));
        SALVAGE_TRY(write(at + ByteCount{done}, bytes));
        done += bytes.size();
    }
    return {};
}

} // namespace salvage::device
