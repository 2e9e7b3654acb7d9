// What a dump is made of, byte for byte, summed up for a picture.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "salvage/core/units.hpp"
#include "salvage/scan/scan.hpp"

namespace salvage::rescue {

/// What bytes look like, in the order of the legend.
enum class Content : std::uint8_t {
    encrypted,  ///< as random as ciphertext; compressed media look the same
    plain,      ///< text, code, databases
    zero,       ///< zeros, or one byte repeated
    hole,       ///< not stored in the dump's file: reads as zeros
    unreadable, ///< could not be read
    unmeasured, ///< read, but not measured
};
inline constexpr std::size_t content_kinds = 6;

/// Bytes of each kind in a range, and how random they are.
struct Mixture {
    ByteRange range;
    std::array<ByteCount, content_kinds> bytes{};
    double entropy{-1}; ///< mean, bits a byte, of what was measured; negative where nothing was

    [[nodiscard]] ByteCount of(Content kind) const noexcept { return bytes.at(static_cast<std::size_t>(kind)); }
    [[nodiscard]] ByteCount total() const noexcept;
    void add(Content kind, ByteCount more) noexcept;
    /// The kind that most bytes are of; the first of the legend where two are equal.
    [[nodiscard]] Content main_kind() const noexcept;
};

/// A scan's blocks and extents as pieces of one kind.  Holes and unreadable areas are exact to the byte, the others to
/// the scan's block.  Immutable.
class ContentMap {
public:
    explicit ContentMap(const scan::ScanResult& scan);

    /// What is in `range`, cut to what was scanned.
    [[nodiscard]] Mixture mixture(ByteRange range) const;
    /// `range` in cells of one size (the last may be shorter), at most `most`, each of whole blocks' length.  Their
    /// sizes add up to what of the range was scanned.
    [[nodiscard]] std::vector<Mixture> cells(ByteRange range, std::size_t most) const;
    [[nodiscard]] ByteRange range() const noexcept { return range_; }
    [[nodiscard]] ByteCount block() const noexcept { return block_; }

private:
    struct Piece {
        ByteOffset end;
        Content kind{};
    };
    void add(ByteOffset end, Content kind);
    void add_data(const scan::ScanResult& scan, ByteOffset start, ByteOffset end);
    [[nodiscard]] double entropy_of(ByteRange range) const;

    ByteRange range_;
    ByteCount block_;
    std::vector<Piece> pieces_;    ///< in order, without gaps, from the start of range_
    std::vector<float> entropies_; ///< of the scan's blocks
};

} // namespace salvage::rescue
