// Rules that remember, find and reject.
#include "password/rule_effects.hpp"

#include <string>

namespace salvage::password::rule_effects {
std::size_t find_nth(const std::string& word, char wanted, std::size_t count)
{
    auto position = word.find(wanted);
    for (; count > 0 && position != std::string::npos; --count) {
        position = word.find(wanted, position + 1);
    }
    return position;
}

// The parser has seen to it that there is an `M` before.

bool memorize(State& state, const Arguments& /*a*/)
{
    state.memory = state.word;
    return true;
}
bool append_memory(State& state, const Arguments& /*a*/)
{
    if (state.memory.empty() || !may_grow(state, state.memory.size())) {
        return false;
    }
    state.word += state.memory;
    return true;
}
bool prepend_memory(State& state, const Arguments& /*a*/)
{
    if (state.memory.empty() || !may_grow(state, state.memory.size())) {
        return false;
    }
    state.word.insert(0, state.memory);
    return true;
}
/// A part of the memory that does not exist, or is empty, rejects.  This one function may fill the last byte, too.
bool insert_memory(State& state, const Arguments& a)
{
    const auto [from, count, to] = a;
    const bool is_there = count > 0 && from + count <= state.memory.size() && to <= state.word.size();
    if (!is_there || state.word.size() + count > rule_growth_limit) {
        return false;
    }
    state.word.insert(to, state.memory, from, count);
    return true;
}
bool is_changed(State& state, const Arguments& /*a*/)
{
    return state.word != state.memory;
}

bool is_at_most(State& state, const Arguments& a)
{
    return state.word.size() <= a[0];
}
bool is_at_least(State& state, const Arguments& a)
{
    return state.word.size() >= a[0];
}
bool is_exactly(State& state, const Arguments& a)
{
    return state.word.size() == a[0];
}
bool lacks(State& state, const Arguments& a)
{
    return !state.word.contains(char_of(a[0]));
}
bool contains(State& state, const Arguments& a)
{
    const auto position = state.word.find(char_of(a[0]));
    if (position == std::string::npos) {
        return false;
    }
    state.found = position;
    return true;
}
bool starts_with(State& state, const Arguments& a)
{
    return state.word.starts_with(char_of(a[0]));
}
bool ends_with(State& state, const Arguments& a)
{
    return state.word.ends_with(char_of(a[0]));
}
bool has_at(State& state, const Arguments& a)
{
    return has(state, a[0]) && state.word[a[0]] == char_of(a[1]);
}
/// The word must be longer than the number that is asked for, as hashcat has it.
bool contains_times(State& state, const Arguments& a)
{
    if (!has(state, a[0])) {
        return false;
    }
    if (a[0] == 0) {
        return true;
    }
    const auto position = find_nth(state.word, char_of(a[1]), a[0] - 1);
    if (position == std::string::npos) {
        return false;
    }
    state.found = position;
    return true;
}

} // namespace salvage::password::rule_effects
