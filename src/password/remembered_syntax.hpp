// A template as a tree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "password/charset.hpp"
#include "salvage/core/result.hpp"

namespace salvage::password {

/// A part of a template, to be repeated min to max times.  `characters` and `parts` are in the order of writing.
struct TemplatePart {
    enum class Kind : std::uint8_t {
        character,    ///< one of `characters`
        sequence,     ///< all `parts`
        alternatives, ///< one of `parts`
    };
    Kind kind{Kind::sequence};
    std::vector<std::string> characters{}; ///< each a byte, or several that are one in UTF-8
    std::vector<TemplatePart> parts{};
    unsigned min{1};
    unsigned max{1};
};

/// Syntax: salvage/password/remembered.hpp.  The tree is no deeper than three levels a bracket, and has no more nodes
/// than the text has bytes and brackets twice.  Errors: invalid_argument (with the column).
[[nodiscard]] Result<TemplatePart> parse_template(std::string_view text, const CharsetBytes& custom);

/// Bytes of the longest candidate; no more than `bound` + 1.
[[nodiscard]] std::size_t longest_candidate(const TemplatePart& part, std::size_t bound);

} // namespace salvage::password
