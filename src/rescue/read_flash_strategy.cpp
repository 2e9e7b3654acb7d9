// What to ask a failing device for next.
#include "rescue/read_flash_strategy.hpp"

#include <algorithm>
#include <utility>

#include "salvage/core/bytes.hpp"

namespace salvage::rescue {
namespace {

using io::BlockStatus;

// Of the region: ddrescue's default too.  A flash with a dead chip is left behind in a hundred steps.
constexpr std::uint64_t skip_parts = 100;
constexpr ByteCount most_skipped{1ULL << 30U};

/// The next multiple of `unit` behind `at`.
ByteOffset up(ByteOffset at, ByteCount unit)
{
    return ByteOffset{((at.value / unit.value) + 1) * unit.value};
}

ByteCount total(const std::vector<ByteRange>& ranges)
{
    ByteCount out;
    for (const auto& range : ranges) {
        out = out + range.size();
    }
    return out;
}

} // namespace

ReadStrategy::ReadStrategy(io::RescueMap& map, std::vector<ByteRange> domain, const StrategyLimits& limits)
    : map_{&map}, domain_{std::move(domain)}, limits_{limits}, first_skip_{limits.cluster},
      max_skip_{
          std::clamp(ByteCount{total(domain_).value / skip_parts}, first_skip_, std::max(first_skip_, most_skipped))},
      skip_{first_skip_}
{
}

std::optional<ByteRange> ReadStrategy::next()
{
    while (phase_ != Phase::done) {
        std::optional<ByteRange> wanted;
        switch (phase_) {
        case Phase::copy:
        case Phase::copy_skipped: wanted = ask_copy(); break;
        case Phase::trim: wanted = ask_trim(); break;
        case Phase::scrape: wanted = ask_sector(BlockStatus::unscraped); break;
        case Phase::retry: wanted = ask_sector(BlockStatus::bad); break;
        case Phase::done: break;
        }
        if (wanted) {
            asked_ = *wanted;
            // Nothing of this phase is left before it; without this, every question would search from the start.
            cursor_ = std::max(cursor_, back_ ? back_->start() : asked_.start());
            return wanted;
        }
        next_phase();
    }
    return std::nullopt;
}

void ReadStrategy::next_phase()
{
    cursor_ = ByteOffset{0};
    back_.reset();
    switch (phase_) {
    case Phase::copy: phase_ = Phase::copy_skipped; break;
    case Phase::copy_skipped: phase_ = Phase::trim; break;
    case Phase::trim: phase_ = Phase::scrape; break;
    case Phase::scrape: phase_ = limits_.retries > 0 ? Phase::retry : Phase::done; break;
    case Phase::retry:
        ++retry_;
        phase_ = retry_ < limits_.retries ? Phase::retry : Phase::done;
        break;
    case Phase::done: break;
    }
}

std::optional<ByteRange> ReadStrategy::find(BlockStatus status) const
{
    for (const auto& part : domain_) {
        if (part.end() <= cursor_) {
            continue;
        }
        if (const auto found = map_->find(status, std::max(part.start(), cursor_), part.end())) {
            return found;
        }
    }
    return std::nullopt;
}

std::optional<ByteRange> ReadStrategy::ask_copy()
{
    const auto area = find(BlockStatus::untried);
    if (!area) {
        return std::nullopt;
    }
    // Requests end at their own multiples, so that one that was cut does not leave all later ones at odd places.
    return ByteRange::between(area->start(), std::min(area->end(), up(area->start(), limits_.request)));
}

std::optional<ByteRange> ReadStrategy::ask_trim()
{
    if (back_) {
        return last_sector(*back_);
    }
    const auto area = find(BlockStatus::untrimmed);
    return area ? std::optional{first_sector(*area)} : std::nullopt;
}

std::optional<ByteRange> ReadStrategy::ask_sector(BlockStatus status)
{
    const auto area = find(status);
    return area ? std::optional{first_sector(*area)} : std::nullopt;
}

ByteRange ReadStrategy::first_sector(ByteRange area) const
{
    return ByteRange::between(area.start(), std::min(area.end(), up(area.start(), limits_.sector)));
}

ByteRange ReadStrategy::last_sector(ByteRange area) const
{
    const ByteOffset last{area.end().value - 1};
    return ByteRange::between(std::max(area.start(), up(last, limits_.sector) - limits_.sector), area.end());
}

void ReadStrategy::succeeded()
{
    switch (phase_) {
    case Phase::copy:
    case Phase::copy_skipped: skip_ = first_skip_; break;
    case Phase::trim:
        if (back_) {
            const auto rest = ByteRange::between(back_->start(), asked_.start());
            back_ = rest.is_empty() ? std::nullopt : std::optional{rest};
        }
        break;
    case Phase::retry: cursor_ = asked_.end(); break;
    case Phase::scrape:
    case Phase::done: break;
    }
}

void ReadStrategy::failed(ByteOffset at)
{
    switch (phase_) {
    case Phase::copy:
    case Phase::copy_skipped: failed_copy(at); break;
    case Phase::trim: failed_trim(at); break;
    case Phase::scrape: map_->set(ByteRange::between(at, asked_.end()), BlockStatus::bad); break;
    case Phase::retry: cursor_ = asked_.end(); break;
    case Phase::done: break;
    }
}

void ReadStrategy::failed_copy(ByteOffset at)
{
    const auto end = std::min(asked_.end(), up(at, limits_.cluster));
    // One sector needs no trimming.
    const auto is_one = end - at <= limits_.sector;
    map_->set(ByteRange::between(at, end), is_one ? BlockStatus::bad : BlockStatus::untrimmed);
    cursor_ = end;
    if (phase_ == Phase::copy) {
        skip_ = at > asked_.start() ? first_skip_ : skip_;
        cursor_ = end + skip_;
        skip_ = std::min(skip_ + skip_, max_skip_);
    }
}

void ReadStrategy::failed_trim(ByteOffset at)
{
    map_->set(ByteRange::between(at, asked_.end()), BlockStatus::bad);
    if (back_) {
        // Both edges are known: what is between them is scraped.
        map_->set(ByteRange::between(back_->start(), asked_.start()), BlockStatus::unscraped);
        back_.reset();
        return;
    }
    const auto area = find(BlockStatus::untrimmed);
    // What is left of this area begins where the bad sector ends.
    if (area && area->start() == asked_.end()) {
        back_ = area;
    }
}

io::MapState ReadStrategy::state() const
{
    switch (phase_) {
    case Phase::copy: return {.position = asked_.start(), .status = '?', .pass = 1};
    case Phase::copy_skipped: return {.position = asked_.start(), .status = '?', .pass = 2};
    case Phase::trim: return {.position = asked_.start(), .status = '*', .pass = 1};
    case Phase::scrape: return {.position = asked_.start(), .status = '/', .pass = 1};
    case Phase::retry: return {.position = asked_.start(), .status = '-', .pass = retry_ + 1};
    case Phase::done: break;
    }
    return {.position = ByteOffset{map_->size().value}, .status = '+', .pass = 1};
}

} // namespace salvage::rescue
