// ddrescue's mapfile: which areas of a dump were read, and what became of the others.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/core/units.hpp"

namespace salvage::io {

/// What is known of an area; the letters are the mapfile's.
enum class BlockStatus : char {
    untried = '?',
    untrimmed = '*', ///< a large read failed somewhere in it
    unscraped = '/', ///< its edges are bad, its inside is not tried sector by sector
    bad = '-',       ///< its sectors were tried one by one and failed
    finished = '+',
};

struct MapBlock {
    ByteRange range;
    BlockStatus status{BlockStatus::untried};
    bool operator==(const MapBlock&) const = default;
};

/// Every byte of a dump with its status: blocks that follow one another, neighbours of different status.
class RescueMap {
public:
    RescueMap() = default;
    /// Nothing tried yet.
    explicit RescueMap(ByteCount size);

    [[nodiscard]] ByteCount size() const noexcept;
    [[nodiscard]] const std::vector<MapBlock>& blocks() const noexcept { return blocks_; }

    /// What lies beyond size() is passed over.  Cost: the logarithm of the blocks, and moving those behind.
    void set(ByteRange range, BlockStatus status);
    /// Cuts the end off, or adds one that is not tried.
    void resize(ByteCount size);

    /// The first area of `status` at or behind `from` and before `end`, cut to both.
    [[nodiscard]] std::optional<ByteRange> find(BlockStatus status, ByteOffset from, ByteOffset end) const;
    [[nodiscard]] bool is_finished(ByteRange range) const;
    /// Bytes of `status` within `range`.
    [[nodiscard]] ByteCount total(BlockStatus status, ByteRange range) const;
    /// Areas within `range` that are not finished, whatever else they are; in order, apart from each other.
    [[nodiscard]] std::vector<ByteRange> unfinished(ByteRange range) const;

private:
    [[nodiscard]] std::vector<MapBlock>::const_iterator first_ending_after(ByteOffset at) const;

    std::vector<MapBlock> blocks_;
};

/// The mapfile's status line: what the run was doing, and where.
struct MapState {
    ByteOffset position;
    char status{'?'}; ///< '?' copying, '*' trimming, '/' scraping, '-' retrying, '+' finished
    unsigned pass{1};
};

/// The mapfile as ddrescue writes and reads it.  `heading` becomes comment lines.
[[nodiscard]] std::string to_mapfile(const RescueMap& map, const MapState& state, std::string_view heading);

/// Reads a mapfile of ddrescue or of ours.  What lies before the first block counts as not tried, as ddrescue has it;
/// what lies beyond the last is not told.  Memory: 24 bytes a line.
/// Errors: malformed (where = position in the text), for lines that are none of ddrescue's.
/// Spec: GNU ddrescue manual, "Mapfile structure".
[[nodiscard]] Result<RescueMap> parse_rescue_map(std::string_view mapfile);

/// Every area of a mapfile that is not finished ('+'): not tried ('?'), not trimmed ('*'), not scraped ('/'), bad
/// ('-').  In order, apart from each other.  Errors: as parse_rescue_map.
[[nodiscard]] Result<std::vector<ByteRange>> parse_bad_areas(std::string_view mapfile);

} // namespace salvage::io
