// Rules that put bytes in, take them out, or count with them.
#include "password/rule_effects.hpp"

#include <algorithm>

namespace salvage::password::rule_effects {
namespace {

/// A range that is not wholly in the word takes nothing.
bool has_range(const State& state, const Arguments& a)
{
    return has(state, a[0]) && a[0] + a[1] <= state.word.size();
}
template <typename Change>
bool change_at(State& state, std::size_t position, Change change)
{
    if (has(state, position)) {
        state.word[position] = static_cast<char>(change(static_cast<unsigned char>(state.word[position])));
    }
    return true;
}

} // namespace

bool append(State& state, const Arguments& a)
{
    if (may_grow(state, 1)) {
        state.word.push_back(char_of(a[0]));
    }
    return true;
}
bool prepend(State& state, const Arguments& a)
{
    if (may_grow(state, 1)) {
        state.word.insert(state.word.begin(), char_of(a[0]));
    }
    return true;
}
bool delete_first(State& state, const Arguments& /*a*/)
{
    if (has(state, 0)) {
        state.word.erase(0, 1);
    }
    return true;
}
bool delete_last(State& state, const Arguments& /*a*/)
{
    if (has(state, 0)) {
        state.word.pop_back();
    }
    return true;
}
bool delete_at(State& state, const Arguments& a)
{
    if (has(state, a[0])) {
        state.word.erase(a[0], 1);
    }
    return true;
}
bool extract(State& state, const Arguments& a)
{
    if (has_range(state, a)) {
        state.word.erase(a[0] + a[1]).erase(0, a[0]);
    }
    return true;
}
bool omit(State& state, const Arguments& a)
{
    if (has_range(state, a)) {
        state.word.erase(a[0], a[1]);
    }
    return true;
}
bool insert(State& state, const Arguments& a)
{
    if (a[0] <= state.word.size() && may_grow(state, 1)) {
        state.word.insert(at(state, a[0]), char_of(a[1]));
    }
    return true;
}
bool overwrite(State& state, const Arguments& a)
{
    if (has(state, a[0])) {
        state.word[a[0]] = char_of(a[1]);
    }
    return true;
}
bool truncate(State& state, const Arguments& a)
{
    if (has(state, a[0])) {
        state.word.resize(a[0]);
    }
    return true;
}
bool replace(State& state, const Arguments& a)
{
    std::ranges::replace(state.word, char_of(a[0]), char_of(a[1]));
    return true;
}
bool purge(State& state, const Arguments& a)
{
    std::erase(state.word, char_of(a[0]));
    return true;
}

bool shift_left(State& state, const Arguments& a)
{
    return change_at(state, a[0], [](unsigned byte) { return byte << 1U; });
}
bool shift_right(State& state, const Arguments& a)
{
    return change_at(state, a[0], [](unsigned byte) { return byte >> 1U; });
}
/// At a side bytes are signed numbers: 0xE4 becomes 0xF2.
bool shift_right_signed(State& state, const Arguments& a)
{
    return change_at(state, a[0], [](unsigned byte) { return byte >> 1U | (byte & 0x80U); });
}
bool increment(State& state, const Arguments& a)
{
    return change_at(state, a[0], [](unsigned byte) { return byte + 1; });
}
bool decrement(State& state, const Arguments& a)
{
    return change_at(state, a[0], [](unsigned byte) { return byte + 0xFF; });
}
bool copy_next(State& state, const Arguments& a)
{
    if (has(state, a[0]) && has(state, a[0] + 1)) {
        state.word[a[0]] = state.word[a[0] + 1];
    }
    return true;
}
bool copy_previous(State& state, const Arguments& a)
{
    if (a[0] > 0 && has(state, a[0])) {
        state.word[a[0]] = state.word[a[0] - 1];
    }
    return true;
}

} // namespace salvage::password::rule_effects
