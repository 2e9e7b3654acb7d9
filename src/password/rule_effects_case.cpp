// Rules that change the case of letters.
#include "password/rule_effects.hpp"

#include <algorithm>

#include "password/ascii.hpp"

namespace salvage::password::rule_effects {
namespace {

/// Letters are ASCII's; any other byte stays as it is.
void change_all(std::string& word, char (*change)(char))
{
    std::ranges::transform(word, word.begin(), change);
}
/// In a file: the byte after a separator is raised, be it a separator itself, and separators are lowered like the rest.
void title_in_file(std::string& word, char separator)
{
    if (word.size() >= rule_growth_limit) {
        return;
    }
    bool is_raised = true;
    for (auto& c : word) {
        const bool is_separator = c == separator;
        c = is_raised ? raised(c) : lowered(c);
        is_raised = is_separator;
    }
}
/// At a side: a run of separators is passed over as it is; what comes after it is raised, and the first byte anyway.
void title_at_side(std::string& word, char separator)
{
    bool is_raised = true;
    for (auto& c : word) {
        if (c == separator) {
            is_raised = true;
            continue;
        }
        c = is_raised ? raised(c) : lowered(c);
        is_raised = false;
    }
    if (!word.empty()) {
        word.front() = raised(word.front());
    }
}

} // namespace

bool keep(State& /*state*/, const Arguments& /*a*/)
{
    return true;
}
bool lower_all(State& state, const Arguments& /*a*/)
{
    change_all(state.word, lowered);
    return true;
}
bool raise_all(State& state, const Arguments& /*a*/)
{
    change_all(state.word, raised);
    return true;
}
bool toggle_all(State& state, const Arguments& /*a*/)
{
    change_all(state.word, toggled);
    return true;
}
bool capitalize(State& state, const Arguments& /*a*/)
{
    change_all(state.word, lowered);
    if (has(state, 0)) {
        state.word.front() = raised(state.word.front());
    }
    return true;
}
bool capitalize_inverted(State& state, const Arguments& /*a*/)
{
    change_all(state.word, raised);
    if (has(state, 0)) {
        state.word.front() = lowered(state.word.front());
    }
    return true;
}
bool toggle_at(State& state, const Arguments& a)
{
    if (has(state, a[0])) {
        state.word[a[0]] = toggled(state.word[a[0]]);
    }
    return true;
}

bool title(State& state, const Arguments& /*a*/)
{
    title_in_file(state.word, ' ');
    return true;
}
bool title_after_in_file(State& state, const Arguments& a)
{
    title_in_file(state.word, char_of(a[0]));
    return true;
}
bool title_after_at_side(State& state, const Arguments& a)
{
    title_at_side(state.word, char_of(a[0]));
    return true;
}

bool toggle_after_in_file(State& state, const Arguments& a)
{
    const auto separator = find_nth(state.word, char_of(a[1]), a[0]);
    if (separator != std::string::npos && has(state, separator + 1) && state.word.size() < rule_growth_limit) {
        state.word[separator + 1] = toggled(state.word[separator + 1]);
    }
    return true;
}
/// At a side separators are passed over: the first other byte is toggled.
bool toggle_after_at_side(State& state, const Arguments& a)
{
    const auto separator = find_nth(state.word, char_of(a[1]), a[0]);
    if (separator != std::string::npos) {
        const auto next = state.word.find_first_not_of(char_of(a[1]), separator);
        if (next != std::string::npos) {
            state.word[next] = toggled(state.word[next]);
        }
    }
    return true;
}

} // namespace salvage::password::rule_effects
