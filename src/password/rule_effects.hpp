// What the functions of rules do.  Behaviour: hashcat 6.2.6, which the judge tests/judges/hashcat_rules.py compares
// with; docs/formats/rules.md tells the corners.
#pragma once

#include <cstddef>
#include <string>

#include "password/rule_functions.hpp"

namespace salvage::password::rule_effects {

using State = RuleState;
using Arguments = RuleArguments;

[[nodiscard]] inline char char_of(std::size_t argument)
{
    return static_cast<char>(argument);
}
/// Whether `more` bytes may be added.
[[nodiscard]] inline bool may_grow(const State& state, std::size_t more)
{
    return state.word.size() + more < rule_growth_limit;
}
[[nodiscard]] inline bool has(const State& state, std::size_t position)
{
    return position < state.word.size();
}
[[nodiscard]] inline std::string::iterator at(State& state, std::size_t position)
{
    return state.word.begin() + static_cast<std::ptrdiff_t>(position);
}
/// Position of the character with number `count`, from 0.
[[nodiscard]] std::size_t find_nth(const std::string& word, char wanted, std::size_t count);

// Each answers whether the word passes.

// Case
bool keep(State& state, const Arguments& a);
bool lower_all(State& state, const Arguments& a);
bool raise_all(State& state, const Arguments& a);
bool toggle_all(State& state, const Arguments& a);
bool capitalize(State& state, const Arguments& a);
bool capitalize_inverted(State& state, const Arguments& a);
bool toggle_at(State& state, const Arguments& a);
bool title(State& state, const Arguments& a);
bool title_after_in_file(State& state, const Arguments& a);
bool title_after_at_side(State& state, const Arguments& a);
bool toggle_after_in_file(State& state, const Arguments& a);
bool toggle_after_at_side(State& state, const Arguments& a);

// Order and repetition
bool reverse(State& state, const Arguments& a);
bool duplicate(State& state, const Arguments& a);
bool duplicate_times(State& state, const Arguments& a);
bool reflect(State& state, const Arguments& a);
bool rotate_left(State& state, const Arguments& a);
bool rotate_right(State& state, const Arguments& a);
bool swap_first(State& state, const Arguments& a);
bool swap_last(State& state, const Arguments& a);
bool swap_two(State& state, const Arguments& a);
bool repeat_first(State& state, const Arguments& a);
bool repeat_last(State& state, const Arguments& a);
bool repeat_each(State& state, const Arguments& a);
bool repeat_front(State& state, const Arguments& a);
bool repeat_back(State& state, const Arguments& a);

// Bytes in and out
bool append(State& state, const Arguments& a);
bool prepend(State& state, const Arguments& a);
bool delete_first(State& state, const Arguments& a);
bool delete_last(State& state, const Arguments& a);
bool delete_at(State& state, const Arguments& a);
bool extract(State& state, const Arguments& a);
bool omit(State& state, const Arguments& a);
bool insert(State& state, const Arguments& a);
bool overwrite(State& state, const Arguments& a);
bool truncate(State& state, const Arguments& a);
bool replace(State& state, const Arguments& a);
bool purge(State& state, const Arguments& a);

// Single bytes as numbers
bool shift_left(State& state, const Arguments& a);
bool shift_right(State& state, const Arguments& a);
bool shift_right_signed(State& state, const Arguments& a);
bool increment(State& state, const Arguments& a);
bool decrement(State& state, const Arguments& a);
bool copy_next(State& state, const Arguments& a);
bool copy_previous(State& state, const Arguments& a);

// Memory
bool memorize(State& state, const Arguments& a);
bool append_memory(State& state, const Arguments& a);
bool prepend_memory(State& state, const Arguments& a);
bool insert_memory(State& state, const Arguments& a);
bool is_changed(State& state, const Arguments& a);

// Rejection
bool is_at_most(State& state, const Arguments& a);
bool is_at_least(State& state, const Arguments& a);
bool is_exactly(State& state, const Arguments& a);
bool lacks(State& state, const Arguments& a);
bool contains(State& state, const Arguments& a);
bool starts_with(State& state, const Arguments& a);
bool ends_with(State& state, const Arguments& a);
bool has_at(State& state, const Arguments& a);
bool contains_times(State& state, const Arguments& a);

} // namespace salvage::password::rule_effects
