// PINs as a keyspace: length after length, in each the likely ones first and then all others in numeric order.
#include "salvage/password/keyspace.hpp"

#include <utility>

#include <fmt/format.h>

#include "password/pin_order.hpp"
#include "password/ranked.hpp"
#include "salvage/core/text.hpp"

namespace salvage::password {
namespace {

constexpr unsigned shortest_pin = 4; // Android's own minimum
constexpr unsigned longest_pin = 16; // Android's own maximum; 10^16 fits in 64 bits
/// Rises when the order changes: a session counts in this order.
constexpr unsigned order_version = 1;

constexpr std::uint64_t power_of_ten(unsigned exponent) noexcept
{
    std::uint64_t value = 1;
    for (unsigned i = 0; i < exponent; ++i) {
        value *= 10;
    }
    return value;
}

class Pins final : public ComputedKeyspace {
public:
    Pins(unsigned min_digits, unsigned max_digits) : min_digits_{min_digits}
    {
        for (unsigned digits = min_digits; digits <= max_digits; ++digits) {
            lengths_.emplace_back(popular_pins(digits), power_of_ten(digits));
            size_ += lengths_.back().size();
        }
    }

    [[nodiscard]] Candidates size() const noexcept override { return Candidates{size_}; }

    [[nodiscard]] std::string identity() const override
    {
        return fmt::format("pin:{}:{}:order={}", min_digits_, max_digits(), order_version);
    }

    [[nodiscard]] std::string description() const override
    {
        const auto range = lengths_.size() == 1 ? fmt::format("{}-digit", min_digits_)
                                                : fmt::format("{}- to {}-digit", min_digits_, max_digits());
        return fmt::format("{} PINs, in the order people choose them", range);
    }

private:
    void compute(std::uint64_t index, Candidate& into) const override
    {
        auto digits = min_digits_;
        for (const auto& length : lengths_) {
            if (index < length.size()) {
                write_digits(length.at(index), digits, into.bytes);
                return;
            }
            index -= length.size();
            ++digits;
        }
    }

    [[nodiscard]] unsigned max_digits() const noexcept
    {
        return min_digits_ + static_cast<unsigned>(lengths_.size()) - 1;
    }

    static void write_digits(std::uint64_t number, unsigned digits, std::string& into)
    {
        into.assign(digits, '0');
        for (auto at = digits; at-- > 0; number /= 10) {
            into[at] = static_cast<char>('0' + number % 10);
        }
    }

    unsigned min_digits_;
    std::vector<RankedFirst> lengths_;
    std::uint64_t size_{};
};

} // namespace

Result<KeyspacePtr> make_pins(unsigned min_digits, unsigned max_digits)
{
    if (min_digits < shortest_pin || max_digits > longest_pin || min_digits > max_digits) {
        return invalid_argument("there are no PINs of that length",
                                fmt::format("asked for {} to {} digits", min_digits, max_digits),
                                fmt::format("a PIN on Android has {} to {} digits", shortest_pin, longest_pin));
    }
    return KeyspacePtr{std::make_shared<const Pins>(min_digits, max_digits)};
}

} // namespace salvage::password
