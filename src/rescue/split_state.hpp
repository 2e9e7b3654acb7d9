// What the state file of a split knows of the parts that are written.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "rescue/split_plan.hpp"

namespace salvage::rescue {

[[nodiscard]] nlohmann::ordered_json ranges_json(const std::vector<ByteRange>& ranges);
/// Nothing where it is not what ranges_json wrote.
[[nodiscard]] std::optional<std::vector<ByteRange>> ranges_of(const nlohmann::ordered_json& holder,
                                                              const std::string& key);

/// What is known of a part that is written.
struct FinishedPart {
    std::string sha256;          ///< of the file as it is, lost bytes as zeros
    std::vector<ByteRange> lost; ///< in the dump
};
[[nodiscard]] nlohmann::ordered_json to_json(const PlannedPart& part, const FinishedPart& finished);
/// Nothing where `state` does not know the part, or knows another one under its name.
[[nodiscard]] std::optional<FinishedPart> finished_from(const nlohmann::ordered_json& state, const PlannedPart& part);

} // namespace salvage::rescue
