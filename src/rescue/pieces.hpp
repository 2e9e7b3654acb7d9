// Reading through damage: what can be had of a range, with the rest as zeros and named.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "salvage/io/byte_source.hpp"

namespace salvage::rescue {

/// How much is read, hashed and written at a time.
inline constexpr std::size_t chunk_bytes = 1U << 20U;
/// How much is read and written at a time where nothing else looks at it: it is written while it is still in the core's
/// own cache.  A part of chunk_bytes.
inline constexpr std::size_t near_bytes = 128U << 10U;
/// How far extents of a file are asked for at a time: a hostile one may have a million.
inline constexpr std::uint64_t window_bytes = 64ULL << 20U;

/// Which failed reads cost their bytes, and which end the work.
enum class Tolerate : std::uint8_t {
    unreadable, ///< bad areas only
    damage,     ///< also what a damaged filesystem says of a file: malformed, truncated, unsupported
};

/// What becomes of bytes that are not there.
enum class Absent : std::uint8_t {
    zeros, ///< zeros
    stale, ///< whatever the buffer held: for those who look at the extents before they look at bytes
};

/// Fills `into` with `range` of `source`: holes and what cannot be read are zeros, or left out.  The extents say which
/// is which; they cover `range` exactly, neighbours differ in kind.  A bad area that nobody announced is narrowed down
/// to 512 bytes.
/// Requires: into.size() == range.size().  Errors: io and every code that is not tolerated.
[[nodiscard]] Result<std::vector<io::Extent>> read_what_is_there(const io::ByteSource& source, ByteRange range,
                                                                 std::span<std::byte> into, Tolerate tolerate,
                                                                 Absent absent = Absent::zeros);

/// Ranges in ascending order, joined where they touch.
class Losses {
public:
    /// Adds the unreadable ones of `extents`.
    void add(const std::vector<io::Extent>& extents);
    /// Requires: `range` starts no earlier than the last one ended.
    void add(ByteRange range);
    [[nodiscard]] const std::vector<ByteRange>& ranges() const noexcept { return ranges_; }
    [[nodiscard]] bool is_empty() const noexcept { return ranges_.empty(); }
    [[nodiscard]] ByteCount total() const noexcept { return total_; }

private:
    std::vector<ByteRange> ranges_;
    ByteCount total_;
};

/// "2 sectors (1024 bytes) of it could not be read".
[[nodiscard]] std::string describe_loss(ByteCount lost);

/// Whether all of it is a hole.
[[nodiscard]] bool is_hole(const std::vector<io::Extent>& extents) noexcept;

} // namespace salvage::rescue
