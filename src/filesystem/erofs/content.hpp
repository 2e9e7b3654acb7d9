// Where the content of an inode lies, piece by piece, and that content as a byte source.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "codecs.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::filesystem::erofs {

enum class PieceKind : std::uint8_t {
    hole,
    stored,   ///< as it is, on the volume
    packed,   ///< compressed, on the volume
    fragment, ///< in the packed inode
    lost,
};

struct Piece {
    std::uint64_t start{}; ///< in the file
    std::uint64_t size{};
    std::uint64_t at{};           ///< byte of the volume, or of the packed inode
    std::uint32_t packed_bytes{}; ///< of a packed one
    std::uint32_t damage{};       ///< of a lost one: index into ContentMap::damages
    PieceKind kind{PieceKind::hole};
    Packing packing{}; ///< of a packed one
    [[nodiscard]] std::uint64_t end() const noexcept { return start + size; }
};

/// A file of 4 GiB in blocks of 4 KiB, each for itself.  Memory: 40 bytes a piece.
constexpr std::size_t max_pieces = 1U << 20U;
constexpr std::size_t max_damages = 16;

/// Pieces in order, without a gap.
class ContentMap {
public:
    /// The next piece; its start is set here.  Joined with the one before where they are one.  An empty one is dropped.
    void add(Piece piece);
    /// The next `size` bytes are lost.
    void lose(std::uint64_t size, const Error& why);
    /// Bytes that are told of.
    [[nodiscard]] std::uint64_t end() const noexcept { return pieces_.empty() ? 0 : pieces_.back().end(); }
    [[nodiscard]] bool is_full() const noexcept { return pieces_.size() >= max_pieces; }
    [[nodiscard]] const std::vector<Piece>& pieces() const noexcept { return pieces_; }
    /// Why parts are lost; a few, the last stands for all that follow.
    [[nodiscard]] const std::vector<Error>& damages() const noexcept { return damages_; }

private:
    std::vector<Piece> pieces_;
    std::vector<Error> damages_;
};

/// The content that `map` describes.  Holes and unreadable areas of the volume pass through; what cannot be unpacked is
/// unreadable.  Telling extents unpacks the pieces in question.  `packed_inode` is needed where there are fragments.
/// Memory: one unpacked piece.  Every piece's place has been checked against the volume or the packed inode.
[[nodiscard]] io::SourcePtr make_content(io::SourcePtr volume, io::SourcePtr packed_inode, ContentMap map,
                                         std::string name);

} // namespace salvage::filesystem::erofs
