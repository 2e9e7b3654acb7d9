// Writing E01 images: chunks are packed by many threads, and laid down in order by one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "salvage/io/e01.hpp"

namespace salvage::io {

enum class E01Compression : std::uint8_t {
    none, ///< every chunk as it is, with its checksum
    fast, ///< deflate by ISA-L, level 1; chunks that do not shrink as they are
    best, ///< deflate by zlib, level 9
};

struct E01WriterOptions {
    E01Compression compression{E01Compression::fast};
    ByteCount segment{2ULL << 30U}; ///< 1 MiB to 8 EiB; no segment is longer
    E01CaseData case_data;          ///< `software` and `acquired` are filled in by the writer where empty
    ByteCount sector{512};          ///< the image is a multiple of it
};

/// Some chunks of 32 KiB, packed.
struct PackedChunks {
    struct Chunk {
        std::size_t stored{};  ///< bytes of it in `bytes`
        std::uint32_t sum{};   ///< Adler-32 of the content
        std::uint32_t count{}; ///< bytes of content
        bool is_compressed{};
    };
    Bytes bytes;
    std::vector<Chunk> chunks;
};

/// Bytes of content a chunk of the images written here has, as most tools choose.
inline constexpr std::size_t e01_chunk_bytes = 32768;

/// Packs bytes of an image; a multiple of e01_chunk_bytes, unless they are its last.  Thread safe.
[[nodiscard]] PackedChunks pack_e01_chunks(ByteView content, E01Compression compression);

/// An E01 image on its way, in the layout of EnCase 6: segments in a folder "<first>.partial" until commit() moves them
/// beside it.
///
/// A kill -9 at any moment leaves the folder, or some of the later segments under their names, but never the first one
/// alone.  Not thread safe; move-only.
class E01Writer {
public:
    /// `first` ends in ".E01"; `size` is that of the whole content.
    /// Errors: already_exists (a segment of that name, or a run that is writing it), invalid_argument (name, size of
    /// segments, too many of them; size no multiple of a sector), io, no_space.
    [[nodiscard]] static Result<E01Writer> create(const std::filesystem::path& first, ByteCount size,
                                                  const E01WriterOptions& options);

    /// The next chunks of the content.  Errors: no_space, io.
    Result<> append(const PackedChunks& packed);
    /// Notes an area that could not be read, and is written as zeros.  Ranges in order.
    Result<> note_unread(ByteRange range);
    /// Stores the hashes, makes the image whole; the paths of its segments.  Without SHA-1: as EnCase 5 and older.
    /// Errors: already_exists (someone made a segment meanwhile), no_space, io.
    [[nodiscard]] Result<std::vector<std::filesystem::path>> commit(const Md5Digest& md5,
                                                                    const std::optional<Sha1DigestOfImage>& sha1);

    E01Writer(E01Writer&&) noexcept;
    E01Writer& operator=(E01Writer&&) noexcept;
    ~E01Writer(); ///< without commit the folder stays

private:
    struct State;
    explicit E01Writer(std::unique_ptr<State> state) noexcept;
    std::unique_ptr<State> state_;
};

} // namespace salvage::io
