// The table of functions, and rules as their steps.
#include "password/rule_functions.hpp"

#include "password/rule_effects.hpp"

namespace salvage::password {
namespace {

using namespace rule_effects;
using enum RuleParameter;
constexpr std::array<RuleParameter, 3> takes_nothing{none, none, none};
constexpr std::array<RuleParameter, 3> takes_position{position, none, none};
constexpr std::array<RuleParameter, 3> takes_character{character, none, none};
constexpr std::array<RuleParameter, 3> takes_position_and_character{position, character, none};
constexpr std::array<RuleParameter, 3> takes_two_positions{position, position, none};
constexpr std::array<RuleParameter, 3> takes_three_positions{position, position, position};
constexpr std::array<RuleParameter, 3> takes_two_characters{character, character, none};

constexpr RuleFunction both(char name, std::array<RuleParameter, 3> parameters, RuleEffect effect,
                            std::string_view what)
{
    return {name, parameters, effect, effect, false, what};
}
constexpr RuleFunction side(char name, std::array<RuleParameter, 3> parameters, RuleEffect effect,
                            std::string_view what)
{
    auto out = both(name, parameters, effect, what);
    out.is_side_only = true;
    return out;
}

/// In the order of hashcat's rules.txt.
constexpr auto functions = std::to_array<RuleFunction>({
    both(':', takes_nothing, keep, "changes nothing"),
    both('l', takes_nothing, lower_all, "lowers all letters"),
    both('u', takes_nothing, raise_all, "raises all letters"),
    both('c', takes_nothing, capitalize, "raises the first letter, lowers the rest"),
    both('C', takes_nothing, capitalize_inverted, "lowers the first letter, raises the rest"),
    both('t', takes_nothing, toggle_all, "toggles the case of all letters"),
    both('T', takes_position, toggle_at, "toggles the case at position N"),
    {'3', takes_position_and_character, toggle_after_in_file, toggle_after_at_side, false,
     "toggles the case after occurrence N of character X"},
    both('r', takes_nothing, reverse, "reverses the word"),
    both('d', takes_nothing, duplicate, "appends the word to itself"),
    both('p', takes_position, duplicate_times, "appends the word N times"),
    both('f', takes_nothing, reflect, "appends the reversed word"),
    both('{', takes_nothing, rotate_left, "rotates the word left"),
    both('}', takes_nothing, rotate_right, "rotates the word right"),
    both('$', takes_character, append, "appends character X"),
    both('^', takes_character, prepend, "prepends character X"),
    both('[', takes_nothing, delete_first, "deletes the first character"),
    both(']', takes_nothing, delete_last, "deletes the last character"),
    both('D', takes_position, delete_at, "deletes the character at position N"),
    both('x', takes_two_positions, extract, "keeps M characters from position N on"),
    both('O', takes_two_positions, omit, "leaves out M characters from position N on"),
    both('i', takes_position_and_character, insert, "inserts character X at position N"),
    both('o', takes_position_and_character, overwrite, "overwrites position N with character X"),
    both('\'', takes_position, truncate, "cuts the word at position N"),
    both('s', takes_two_characters, replace, "replaces every character X by Y"),
    both('@', takes_character, purge, "deletes every character X"),
    both('z', takes_position, repeat_first, "repeats the first character N times"),
    both('Z', takes_position, repeat_last, "repeats the last character N times"),
    both('q', takes_nothing, repeat_each, "doubles every character"),
    both('k', takes_nothing, swap_first, "swaps the first two characters"),
    both('K', takes_nothing, swap_last, "swaps the last two characters"),
    both('*', takes_two_positions, swap_two, "swaps the characters at positions N and M"),
    both('L', takes_position, shift_left, "shifts the bits at position N left"),
    {'R', takes_position, shift_right, shift_right_signed, false, "shifts the bits at position N right"},
    both('+', takes_position, increment, "adds 1 to the byte at position N"),
    both('-', takes_position, decrement, "takes 1 from the byte at position N"),
    both('.', takes_position, copy_next, "overwrites position N with the next character"),
    both(',', takes_position, copy_previous, "overwrites position N with the previous character"),
    both('y', takes_position, repeat_front, "repeats the first N characters"),
    both('Y', takes_position, repeat_back, "repeats the last N characters"),
    both('E', takes_nothing, title, "raises the first letter and each after a blank, lowers the rest"),
    {'e', takes_character, title_after_in_file, title_after_at_side, false,
     "raises the first letter and each after character X, lowers the rest"},
    side('X', takes_three_positions, insert_memory, "inserts M memorized characters from N on at position I"),
    side('4', takes_nothing, append_memory, "appends the memorized word"),
    side('6', takes_nothing, prepend_memory, "prepends the memorized word"),
    side('M', takes_nothing, memorize, "memorizes the word"),
    side('<', takes_position, is_at_most, "rejects words longer than N"),
    side('>', takes_position, is_at_least, "rejects words shorter than N"),
    side('_', takes_position, is_exactly, "rejects words that are not N long"),
    side('!', takes_character, lacks, "rejects words with character X"),
    side('/', takes_character, contains, "rejects words without character X"),
    side('(', takes_character, starts_with, "rejects words that do not start with character X"),
    side(')', takes_character, ends_with, "rejects words that do not end with character X"),
    side('=', takes_position_and_character, has_at, "rejects words without character X at position N"),
    side('%', takes_position_and_character, contains_times, "rejects words with fewer than N characters X"),
    side('Q', takes_nothing, is_changed, "rejects words equal to the memorized one"),
});

constexpr std::uint8_t no_function = 0xFF;
constexpr auto make_index()
{
    std::array<std::uint8_t, 256> index{};
    index.fill(no_function);
    for (std::size_t i = 0; i < functions.size(); ++i) {
        index[static_cast<unsigned char>(functions[i].name)] = static_cast<std::uint8_t>(i);
    }
    return index;
}
constexpr auto function_index = make_index();

/// Functions of one rule hashcat's kernels take (MAX_KERNEL_RULES).
constexpr std::size_t hashcat_rule_functions = 31;

const RuleFunction& function_of(const RuleStep& step)
{
    return functions[function_index[step.function]];
}

/// The parameters with `p` filled in; nothing where it was asked for and nothing was found.
std::optional<RuleArguments> arguments_of(const RuleStep& step, const RuleFunction& function, const RuleState& state)
{
    RuleArguments out{};
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = step.parameters[i];
        if (function.parameters[i] == position && step.parameters[i] == position_found) {
            if (!state.found) {
                return std::nullopt;
            }
            out[i] = *state.found;
        }
    }
    return out;
}

} // namespace

const RuleFunction* find_rule_function(char name) noexcept
{
    const auto index = function_index[static_cast<unsigned char>(name)];
    return index == no_function ? nullptr : &functions[index];
}

bool apply_rule(std::span<const RuleStep> steps, RulePlace place, std::string& word)
{
    const bool is_nothing = steps.size() == 1 && steps.front().function == ':';
    if (is_nothing) {
        return true;
    }
    if (place == RulePlace::side && word.size() >= rule_growth_limit) {
        return false;
    }
    RuleState state{.word = word};
    for (const auto& step : steps) {
        const auto& function = function_of(step);
        const auto arguments = arguments_of(step, function, state);
        const auto effect = place == RulePlace::side ? function.at_side : function.in_file;
        if (!arguments || !effect(state, *arguments)) {
            return false;
        }
    }
    return true;
}

std::optional<char> beyond_hashcat(std::span<const RuleStep> steps, RulePlace place)
{
    if (place == RulePlace::side) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < steps.size(); ++i) {
        if (i >= hashcat_rule_functions || function_of(steps[i]).is_side_only) {
            return static_cast<char>(steps[i].function);
        }
    }
    return std::nullopt;
}

} // namespace salvage::password
