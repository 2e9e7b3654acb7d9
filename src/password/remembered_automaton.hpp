// A template as a machine that reads a candidate byte by byte.
//
// Built twice.  First with choices left open (states that lead to several others), as the template is written.  Then
// with every choice settled: a state of the second machine is the list of all states the first could be in, so that
// each text takes exactly one way.  That is why no candidate comes twice, whatever the template says twice. The list
// keeps the order of writing, and so do the bytes that lead on from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "password/remembered_syntax.hpp"
#include "salvage/core/result.hpp"

namespace salvage::password {

struct Automaton {
    /// Bytes that lead to the same state, in the order of writing.
    struct Run {
        std::string bytes;
        std::uint32_t target{};
    };
    struct State {
        std::vector<Run> runs;
        bool is_end{false}; ///< a candidate may stop here
    };
    std::vector<State> states; ///< the first is where a candidate starts; no way leads back to a state
};

/// Requires: a template whose longest candidate has no more than max_remembered_bytes.
/// Errors: unsupported (bounds stand in the source).
[[nodiscard]] Result<Automaton> build_automaton(const TemplatePart& whole);

} // namespace salvage::password
