// Candidates of an automaton as numbers: shorter ones first, then in the order of writing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "password/remembered_automaton.hpp"
#include "salvage/core/result.hpp"

namespace salvage::password {

/// How it works: ways(s, n) is the number of texts of n bytes that lead from state s to an end.  A candidate's number
/// is the sum of the ways that come before it, so walking from the start and subtracting finds it again. const, thread
/// safe.
class AutomatonNumbering {
public:
    /// `longest`: bytes of the longest candidate.  Errors: invalid_argument (over 2^64 - 1 candidates); unsupported
    /// (the table would take over 64 MiB).
    [[nodiscard]] static Result<AutomatonNumbering> make(Automaton automaton, std::size_t longest);

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    /// Bytes of the shortest and of the longest candidate.
    [[nodiscard]] std::size_t shortest() const noexcept { return shortest_; }
    [[nodiscard]] std::size_t longest() const noexcept { return longest_; }
    [[nodiscard]] const Automaton& automaton() const noexcept { return automaton_; }
    /// Requires: index < size(); `into` is empty.
    void write(std::uint64_t index, std::string& into) const;

private:
    AutomatonNumbering(Automaton automaton, std::size_t longest);

    [[nodiscard]] std::uint64_t ways(std::size_t state, std::size_t bytes) const
    {
        return ways_[state * (longest_ + 1) + bytes];
    }
    [[nodiscard]] std::optional<std::uint64_t> sum_of(std::size_t state, std::size_t bytes) const;
    [[nodiscard]] Result<> fill();
    [[nodiscard]] long double about() const;

    Automaton automaton_;
    std::size_t shortest_{0};
    std::size_t longest_;
    std::vector<std::uint64_t> ways_;
    std::uint64_t size_{0};
};

} // namespace salvage::password
