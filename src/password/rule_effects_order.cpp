// Rules that turn, swap and repeat what is there.
#include "password/rule_effects.hpp"

#include <algorithm>
#include <utility>

namespace salvage::password::rule_effects {
namespace {

/// The word and `times` copies of it.
void repeat(State& state, std::size_t times)
{
    const auto once = state.word.size();
    if (!may_grow(state, once * times)) {
        return;
    }
    for (std::size_t i = 0; i < times; ++i) {
        state.word.append(state.word, 0, once);
    }
}
void swap_at(State& state, std::size_t left, std::size_t right)
{
    if (has(state, left) && has(state, right)) {
        std::swap(state.word[left], state.word[right]);
    }
}

} // namespace

bool reverse(State& state, const Arguments& /*a*/)
{
    std::ranges::reverse(state.word);
    return true;
}
bool duplicate(State& state, const Arguments& /*a*/)
{
    repeat(state, 1);
    return true;
}
bool duplicate_times(State& state, const Arguments& a)
{
    repeat(state, a[0]);
    return true;
}
bool reflect(State& state, const Arguments& /*a*/)
{
    if (may_grow(state, state.word.size())) {
        state.word += std::string{state.word.rbegin(), state.word.rend()};
    }
    return true;
}
bool rotate_left(State& state, const Arguments& /*a*/)
{
    if (has(state, 1)) {
        std::ranges::rotate(state.word, at(state, 1));
    }
    return true;
}
bool rotate_right(State& state, const Arguments& /*a*/)
{
    if (has(state, 1)) {
        std::ranges::rotate(state.word, at(state, state.word.size() - 1));
    }
    return true;
}
bool swap_first(State& state, const Arguments& /*a*/)
{
    swap_at(state, 0, 1);
    return true;
}
bool swap_last(State& state, const Arguments& /*a*/)
{
    if (has(state, 1)) {
        swap_at(state, state.word.size() - 2, state.word.size() - 1);
    }
    return true;
}
bool swap_two(State& state, const Arguments& a)
{
    swap_at(state, a[0], a[1]);
    return true;
}
bool repeat_first(State& state, const Arguments& a)
{
    if (has(state, 0) && may_grow(state, a[0])) {
        state.word.insert(0, a[0], char{state.word.front()});
    }
    return true;
}
bool repeat_last(State& state, const Arguments& a)
{
    if (has(state, 0) && may_grow(state, a[0])) {
        state.word.append(a[0], char{state.word.back()});
    }
    return true;
}
bool repeat_each(State& state, const Arguments& /*a*/)
{
    if (!may_grow(state, state.word.size())) {
        return true;
    }
    const auto once = state.word.size();
    state.word.resize(2 * once);
    for (auto i = once; i-- > 0;) {
        state.word[2 * i] = state.word[2 * i + 1] = state.word[i];
    }
    return true;
}
bool repeat_front(State& state, const Arguments& a)
{
    if (a[0] <= state.word.size() && may_grow(state, a[0])) {
        state.word.insert(0, std::string{state.word, 0, a[0]});
    }
    return true;
}
bool repeat_back(State& state, const Arguments& a)
{
    if (a[0] <= state.word.size() && may_grow(state, a[0])) {
        state.word.append(std::string{state.word, state.word.size() - a[0]});
    }
    return true;
}

} // namespace salvage::password::rule_effects
