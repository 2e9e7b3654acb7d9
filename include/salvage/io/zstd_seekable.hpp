// zstd's seekable format: frames of their own, and a table of them in a skippable frame at the end.
#pragma once

#include <cstdint>
#include <vector>

#include "salvage/io/byte_source.hpp"

namespace salvage::io {

/// Bytes of content a frame that is written here has.
inline constexpr std::size_t zstd_frame_bytes = 1U << 20U;

/// Whether a file begins with a zstd frame, or a skippable one.  4 bytes are enough.
[[nodiscard]] bool is_zstd(ByteView first_bytes) noexcept;

/// The content of a seekable zstd file, whichever tool wrote it (t2sz, zeekstd, zstd's contrib/seekable_format).
///
/// Frames unpack alone; one whose bytes or checksum are wrong is unreadable and costs no other.  Thread safe.  Memory:
/// 16 bytes a frame, and the last frames read: 8 MiB, or two frames. Errors: unsupported (no seek table: a plain zstd
/// file; a frame over 64 MiB), malformed (where = byte of the file), io. Spec: facebook/zstd,
/// contrib/seekable_format/zstd_seekable_compression_format.md, version 0.1.0.
[[nodiscard]] Result<SourcePtr> make_zstd_seekable(const SourcePtr& packed);

/// One frame, with its size and a checksum in it.  Thread safe.  Errors: internal (libzstd fails).
[[nodiscard]] Result<Bytes> pack_zstd_frame(ByteView content, int level);

/// The seek table of the frames that were added.
class ZstdSeekTable {
public:
    /// Errors: unsupported (over 2^27 frames, as the format has it).
    Result<> add(std::size_t packed, std::size_t content);
    /// The skippable frame that ends the file.
    [[nodiscard]] Bytes encode() const;

private:
    struct Frame {
        std::uint32_t packed{};
        std::uint32_t content{};
    };
    std::vector<Frame> frames_;
};

} // namespace salvage::io
