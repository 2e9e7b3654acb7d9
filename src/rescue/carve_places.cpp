#include "rescue/carve_places.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "rescue/out_folder.hpp"

namespace salvage::rescue {

using Json = nlohmann::ordered_json;

AreaMap::AreaMap(const std::vector<ByteRange>& areas)
{
    std::uint64_t start = 0;
    parts_.reserve(areas.size());
    for (const auto& area : areas) {
        parts_.push_back({.start = start, .area = area});
        start += area.size().value;
    }
}

void AreaMap::add_to(std::vector<ByteRange>& out, ByteRange gathered) const
{
    auto at = gathered.start().value;
    auto part = std::ranges::upper_bound(parts_, at, {}, &Part::start);
    for (part -= part == parts_.begin() ? 0 : 1; part != parts_.end() && at < gathered.end().value; ++part) {
        const auto inner = at - part->start;
        const auto count = std::min(gathered.end().value - at, part->area.size().value - inner);
        const auto start = part->area.start() + ByteCount{inner};
        const auto range = ByteRange::between(start, start + ByteCount{count});
        if (!out.empty() && out.back().end() == range.start()) {
            out.back() = ByteRange::between(out.back().start(), range.end());
        } else {
            out.push_back(range);
        }
        at += count;
    }
}

std::string name_for(const std::vector<ByteRange>& runs, const std::string& ending, Names& taken)
{
    const auto stem = runs.empty() ? std::string{"unplaced"} : fmt::format("{:012x}", runs.front().start().value);
    auto out = fmt::format("{}.{}", stem, ending);
    const auto number = ++taken[out];
    return number == 1 ? std::move(out) : fmt::format("{}-{}.{}", stem, number, ending);
}

Json runs_json(const io::ByteSource& volume, const std::vector<ByteRange>& runs)
{
    auto out = Json::array();
    for (const auto& run : runs) {
        const auto first = volume.locate(run.start()).chain;
        const auto last = volume.locate(ByteOffset{run.end().value - 1}).chain;
        const bool is_straight = !first.empty() && !last.empty() && first.front().source == last.front().source &&
                                 last.front().at.value - first.front().at.value == run.size().value - 1;
        Json one{{"volume", run.start().value}, {"dump", nullptr}, {"size", run.size().value}};
        if (is_straight) {
            one["dump"] = first.front().at.value;
            put_text(one, "file", first.front().source);
        }
        out.push_back(std::move(one));
    }
    return out;
}

} // namespace salvage::rescue
