// A finding: something a report says beside its main answer, with the values that prove it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "salvage/core/units.hpp"

namespace salvage {

enum class Severity : std::uint8_t { note, warning, error };
[[nodiscard]] std::string_view to_string(Severity severity) noexcept;

/// Where a finding points: any part may be unknown.
struct FindingPlace {
    std::string source;               ///< file or view, may be empty
    std::optional<ByteOffset> offset; ///< in `source`
    std::string partition;            ///< may be empty
};

struct Finding {
    std::string code; ///< stable, lower case with dashes: "scatter-userdata-placeholder"
    Severity severity{Severity::note};
    std::string text;                                           ///< one sentence for a person
    FindingPlace where;                                         ///< as far as it is known
    std::vector<std::pair<std::string, std::uint64_t>> numbers; ///< bytes and counts: {"scatter_size", 3221225472}
    std::vector<std::pair<std::string, std::string>> words;     ///< other values: {"taken", "gpt"}
};

/// A finding without place and values, which may be added.
[[nodiscard]] Finding make_finding(std::string_view code, Severity severity, std::string text);

} // namespace salvage
