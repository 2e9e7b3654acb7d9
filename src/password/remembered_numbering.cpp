// Counting what an automaton accepts.
#include "password/remembered_numbering.hpp"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "password/mask_list.hpp"
#include "salvage/core/text.hpp"

namespace salvage::password {
namespace {

constexpr ByteCount max_table{64U << 20U};

} // namespace

AutomatonNumbering::AutomatonNumbering(Automaton automaton, std::size_t longest)
    : automaton_{std::move(automaton)}, longest_{longest}
{
}

Result<AutomatonNumbering> AutomatonNumbering::make(Automaton automaton, std::size_t longest)
{
    AutomatonNumbering out{std::move(automaton), longest};
    const auto entries = out.automaton_.states.size() * (longest + 1); // 2^15 states and 256 bytes: far below 2^64
    if (entries > max_table.value / sizeof(std::uint64_t)) {
        return unsupported("the template is too interwoven",
                           fmt::format("its table would take {}, the bound is {}",
                                       format_size(ByteCount{entries * sizeof(std::uint64_t)}), format_size(max_table)),
                           "give its alternatives one by one, or fewer repeats");
    }
    out.ways_.assign(entries, 0);
    SALVAGE_TRY(out.fill());
    return out;
}

/// The sum over all that leads on, from the shorter ones; nothing where it is past 64 bits.
std::optional<std::uint64_t> AutomatonNumbering::sum_of(std::size_t state, std::size_t bytes) const
{
    const auto& here = automaton_.states[state];
    if (bytes == 0) {
        return here.is_end ? 1U : 0U;
    }
    std::optional<std::uint64_t> sum = 0;
    for (const auto& run : here.runs) {
        const auto more = checked_multiply<std::uint64_t>(run.bytes.size(), ways(run.target, bytes - 1));
        sum = sum && more ? checked_add(*sum, *more) : std::nullopt;
    }
    return sum;
}

Result<> AutomatonNumbering::fill()
{
    for (std::size_t bytes = 0; bytes <= longest_; ++bytes) {
        for (std::size_t state = 0; state < automaton_.states.size(); ++state) {
            const auto sum = sum_of(state, bytes);
            if (!sum) { // every state is reached from the start, so the whole is no less
                return beyond_64_bits("the template", about());
            }
            ways_[state * (longest_ + 1) + bytes] = *sum;
        }
        const auto total = checked_add(size_, ways(0, bytes));
        if (!total) {
            return beyond_64_bits("the template", about());
        }
        shortest_ = size_ == 0 && *total != 0 ? bytes : shortest_;
        size_ = *total;
    }
    return {};
}

/// The size again, where it is past 64 bits.
long double AutomatonNumbering::about() const
{
    const auto& states = automaton_.states;
    std::vector<long double> shorter(states.size(), 0);
    std::vector<long double> now(states.size(), 0);
    long double total = 0;
    for (std::size_t bytes = 0; bytes <= longest_; ++bytes) {
        for (std::size_t state = 0; state < states.size(); ++state) {
            now[state] = bytes == 0 && states[state].is_end ? 1 : 0;
            for (const auto& run : states[state].runs) {
                now[state] += static_cast<long double>(run.bytes.size()) * shorter[run.target];
            }
        }
        total += now.front();
        std::swap(now, shorter);
    }
    return total;
}

void AutomatonNumbering::write(std::uint64_t index, std::string& into) const
{
    auto rest = shortest_;
    while (index >= ways(0, rest)) {
        index -= ways(0, rest);
        ++rest;
    }
    for (std::size_t state = 0; rest-- > 0;) {
        for (const auto& run : automaton_.states[state].runs) {
            const auto each = ways(run.target, rest);
            const auto together = each * run.bytes.size(); // part of ways(state, rest + 1)
            if (index < together) {
                into.push_back(run.bytes[index / each]);
                index %= each;
                state = run.target;
                break;
            }
            index -= together;
        }
    }
}

} // namespace salvage::password
