// From a template's tree to the machine; the idea stands in the header.
#include "password/remembered_automaton.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <ranges>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::password {
namespace {

// Bounds on what a template may cost, a second and under 200 MiB.  One that a person writes stays far below:
// ?a{16} has 17 states, and ((a|b){0,8}c{0,8}){0,8} some thousand.
constexpr std::size_t max_open_states = std::size_t{1} << 16U;
constexpr std::size_t max_settled_states = std::size_t{1} << 15U;
constexpr std::size_t max_steps = std::size_t{1} << 21U;

Error too_interwoven(std::string_view what, std::size_t bound)
{
    return unsupported("the template is too interwoven", fmt::format("it needs over {} {}", format_count(bound), what),
                       "give its alternatives one by one, or fewer repeats within repeats");
}

/// A state of the first machine.
struct OpenState {
    std::string bytes;               ///< any of these leads to `next.front()`
    std::vector<std::uint32_t> next; ///< without bytes: all of these, at once
};
constexpr std::uint32_t end_state = 0;

/// Builds from the end backwards: a part is given the state that comes after it, and says where it starts.
class OpenBuilder {
public:
    OpenBuilder() : states_(1) {}

    Result<std::uint32_t> add(const TemplatePart& part, std::uint32_t after)
    {
        auto start = after;
        for (unsigned i = part.min; i < part.max; ++i) { // as often as one likes
            start = SALVAGE_TRY(add_once(part, start));
            start = SALVAGE_TRY(new_state({.bytes = {}, .next = {start, after}}));
        }
        for (unsigned i = 0; i < part.min; ++i) {
            start = SALVAGE_TRY(add_once(part, start));
        }
        return start;
    }

    [[nodiscard]] std::vector<OpenState> take() && { return std::move(states_); }

private:
    Result<std::uint32_t> new_state(OpenState state)
    {
        if (states_.size() == max_open_states) {
            return too_interwoven("places", max_open_states);
        }
        states_.push_back(std::move(state));
        return static_cast<std::uint32_t>(states_.size() - 1);
    }

    // Depth: that of the template's brackets.
    Result<std::uint32_t> add_once(const TemplatePart& part, std::uint32_t after)
    {
        if (++steps_ > max_steps) { // repeats of nothing make no states, and still take time
            return too_interwoven("steps", max_steps);
        }
        switch (part.kind) {
        case TemplatePart::Kind::character: return add_characters(part, after);
        case TemplatePart::Kind::sequence: return add_sequence(part, after);
        case TemplatePart::Kind::alternatives: break;
        }
        if (part.parts.size() == 1) {
            return add(part.parts.front(), after);
        }
        OpenState fork;
        for (const auto& alternative : part.parts) {
            fork.next.push_back(SALVAGE_TRY(add(alternative, after)));
        }
        return new_state(std::move(fork));
    }

    Result<std::uint32_t> add_sequence(const TemplatePart& part, std::uint32_t after)
    {
        auto start = after;
        for (const auto& item : std::views::reverse(part.parts)) {
            start = SALVAGE_TRY(add(item, start));
        }
        return start;
    }

    /// Neighbouring single bytes share a state; a character of several bytes is a row of states.
    Result<std::uint32_t> add_characters(const TemplatePart& part, std::uint32_t after)
    {
        OpenState fork;
        OpenState single{.bytes = {}, .next = {after}};
        for (const auto& character : part.characters) {
            if (character.size() == 1) {
                single.bytes += character;
                continue;
            }
            SALVAGE_TRY(add_single(single, fork));
            auto start = after;
            for (const char byte : std::views::reverse(character)) {
                start = SALVAGE_TRY(new_state({.bytes = std::string(1, byte), .next = {start}}));
            }
            fork.next.push_back(start);
        }
        SALVAGE_TRY(add_single(single, fork));
        if (fork.next.size() == 1) {
            return fork.next.front();
        }
        return new_state(std::move(fork));
    }

    /// Moves collected single bytes, if any, to a state of their own.
    Result<> add_single(OpenState& single, OpenState& fork)
    {
        if (!single.bytes.empty()) {
            fork.next.push_back(SALVAGE_TRY(new_state(single)));
            single.bytes.clear();
        }
        return {};
    }

    std::vector<OpenState> states_;
    std::size_t steps_{0};
};

/// Open states that read a byte, or the end; each once, in the order of writing.
using StateList = std::vector<std::uint32_t>;

class Settler {
public:
    explicit Settler(std::vector<OpenState> open) : open_{std::move(open)}, reached_in_(open_.size(), 0) {}

    Result<Automaton> run(std::uint32_t start)
    {
        SALVAGE_TRY(state_of({start}));
        for (std::size_t i = 0; i < lists_.size(); ++i) {
            SALVAGE_TRY(lead_on(i));
        }
        return std::move(out_);
    }

private:
    /// The state of the list that these lead to; a new one where it is not known yet.
    Result<std::uint32_t> state_of(const StateList& reached)
    {
        auto list = SALVAGE_TRY(without_forks(reached));
        const auto known = numbers_.find(list);
        if (known != numbers_.end()) {
            return known->second;
        }
        if (lists_.size() == max_settled_states) {
            return too_interwoven("states", max_settled_states);
        }
        const auto number = static_cast<std::uint32_t>(lists_.size());
        out_.states.emplace_back().is_end = std::ranges::find(list, end_state) != list.end();
        lists_.push_back(&numbers_.emplace(std::move(list), number).first->first);
        return number;
    }

    /// Follows forks, first branch first.
    Result<StateList> without_forks(const StateList& reached)
    {
        ++round_;
        StateList out;
        StateList open{reached.rbegin(), reached.rend()}; // a stack
        while (!open.empty()) {
            const auto number = open.back();
            open.pop_back();
            if (++steps_ > max_steps) {
                return too_interwoven("steps", max_steps);
            }
            if (std::exchange(reached_in_[number], round_) == round_) {
                continue;
            }
            const auto& state = open_[number];
            if (number == end_state || !state.bytes.empty()) {
                out.push_back(number);
            } else {
                open.insert(open.end(), state.next.rbegin(), state.next.rend());
            }
        }
        return out;
    }

    /// Adds the runs of a state.
    Result<> lead_on(std::size_t from)
    {
        std::array<StateList, 256> reached;
        std::string bytes; // in order of writing
        for (const auto number : *lists_[from]) {
            steps_ += open_[number].bytes.size();
            for (const char byte : open_[number].bytes) {
                auto& by_byte = reached.at(static_cast<unsigned char>(byte));
                if (by_byte.empty()) {
                    bytes.push_back(byte);
                }
                by_byte.push_back(open_[number].next.front());
            }
        }
        const StateList* before = nullptr;
        for (const char byte : bytes) {
            const auto& by_byte = reached.at(static_cast<unsigned char>(byte));
            if (before == nullptr || *before != by_byte) {
                const auto target = SALVAGE_TRY(state_of(by_byte));
                out_.states[from].runs.push_back({.bytes = {}, .target = target});
            }
            out_.states[from].runs.back().bytes.push_back(byte);
            before = &by_byte;
        }
        return {};
    }

    std::vector<OpenState> open_;
    std::vector<std::uint64_t> reached_in_; ///< the last round in which an open state was reached
    std::uint64_t round_{0};
    std::size_t steps_{0};
    std::map<StateList, std::uint32_t> numbers_;
    std::vector<const StateList*> lists_; ///< by number; keys of numbers_
    Automaton out_;
};

} // namespace

Result<Automaton> build_automaton(const TemplatePart& whole)
{
    OpenBuilder builder;
    const auto start = SALVAGE_TRY(builder.add(whole, end_state));
    return Settler{std::move(builder).take()}.run(start);
}

} // namespace salvage::password
