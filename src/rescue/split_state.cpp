#include "rescue/split_state.hpp"

#include <utility>

#include "rescue/out_folder.hpp"

namespace salvage::rescue {

using Json = nlohmann::ordered_json;

Json ranges_json(const std::vector<ByteRange>& ranges)
{
    auto out = Json::array();
    for (const auto& range : ranges) {
        out.push_back({{"start", range.start().value}, {"size", range.size().value}});
    }
    return out;
}

std::optional<std::vector<ByteRange>> ranges_of(const Json& holder, const std::string& key)
{
    const auto found = holder.find(key);
    if (found == holder.end() || !found->is_array()) {
        return std::nullopt;
    }
    std::vector<ByteRange> out;
    for (const auto& one : *found) {
        if (!one.is_object()) {
            return std::nullopt;
        }
        const auto start = get_number(one, "start");
        const auto size = get_number(one, "size");
        const auto range = start && size ? ByteRange::make(ByteOffset{*start}, ByteCount{*size}) : std::nullopt;
        if (!range) {
            return std::nullopt;
        }
        out.push_back(*range);
    }
    return out;
}

Json to_json(const PlannedPart& part, const FinishedPart& finished)
{
    return {{"start", part.range.start().value},
            {"size", part.range.size().value},
            {"sha256", finished.sha256},
            {"lost", ranges_json(finished.lost)}};
}

std::optional<FinishedPart> finished_from(const Json& state, const PlannedPart& part)
{
    const auto parts = state.find("parts");
    if (parts == state.end() || !parts->is_object()) {
        return std::nullopt;
    }
    const auto record = parts->find(part.file);
    if (record == parts->end() || !record->is_object() || get_number(*record, "start") != part.range.start().value ||
        get_number(*record, "size") != part.range.size().value) {
        return std::nullopt;
    }
    auto lost = ranges_of(*record, "lost");
    auto sha256 = get_text(*record, "sha256");
    if (!lost || !sha256) {
        return std::nullopt;
    }
    return FinishedPart{.sha256 = *std::move(sha256), .lost = *std::move(lost)};
}

} // namespace salvage::rescue
