// What to ask a failing device for next.
#pragma once

#include <optional>
#include <vector>

#include "salvage/io/ddrescue_map.hpp"

namespace salvage::rescue {

struct StrategyLimits {
    ByteCount request;
    ByteCount cluster;
    ByteCount sector;
    unsigned retries{1};
};

/// The order of GNU ddrescue, in short: large reads that skip around failures, then what was skipped, then the edges of
/// what failed, then its sectors one by one, then the bad ones again.  No I/O: it reads and marks a map.
/// Spec: GNU ddrescue manual, "Algorithm".
class ReadStrategy {
public:
    /// Only what lies in `domain` (in order, apart from each other) is asked for.  `map` outlives the strategy.
    ReadStrategy(io::RescueMap& map, std::vector<ByteRange> domain, const StrategyLimits& limits);

    /// The next range to read; nothing when all that can be done is done.  Never empty.
    [[nodiscard]] std::optional<ByteRange> next();
    /// The last range came whole, and the map says so.
    void succeeded();
    /// The last range failed at `at`; what lies before it came, and the map says so.
    /// Requires: `at` lies in the last range.
    void failed(ByteOffset at);

    /// Whether `at` lies in the last range.
    [[nodiscard]] bool is_asked(ByteOffset at) const noexcept { return asked_.contains(at); }

    [[nodiscard]] io::MapState state() const;

private:
    enum class Phase : unsigned char { copy, copy_skipped, trim, scrape, retry, done };

    void next_phase();
    [[nodiscard]] std::optional<ByteRange> find(io::BlockStatus status) const;
    [[nodiscard]] std::optional<ByteRange> ask_copy();
    [[nodiscard]] std::optional<ByteRange> ask_trim();
    [[nodiscard]] std::optional<ByteRange> ask_sector(io::BlockStatus status);
    [[nodiscard]] ByteRange first_sector(ByteRange area) const;
    [[nodiscard]] ByteRange last_sector(ByteRange area) const;
    void failed_copy(ByteOffset at);
    void failed_trim(ByteOffset at);

    io::RescueMap* map_;
    std::vector<ByteRange> domain_;
    StrategyLimits limits_;
    ByteCount first_skip_;
    ByteCount max_skip_;
    ByteCount skip_;
    Phase phase_{Phase::copy};
    unsigned retry_{0};
    ByteOffset cursor_;
    ByteRange asked_;
    std::optional<ByteRange> back_; ///< the area that is trimmed from its end
};

} // namespace salvage::rescue
